/** Reads HTTP/1.1 answers out of the bytes of a kept connection. Only what the measured servers send. */

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** The first answer in the bytes and what follows it. */
export interface ReadAnswer {
  readonly answer: Answer;
  readonly rest: Buffer;
}

const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * The first whole answer, or undefined while a part of it is still to come.
 * @throws Error if the bytes are no answer, or one that ends its connection: a measurement needs the connection kept.
 */
export function readAnswer(bytes: Buffer): ReadAnswer | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) {
    if (bytes.length > MAX_HEAD_BYTES) throw new Error(`answer: no end of its head in ${bytes.length} bytes`);
    return undefined;
  }
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? "NaN");
  if (Number.isNaN(status)) throw new Error(`answer: expected HTTP/1.1, got ${head.slice(0, 100)}`);
  if (/^connection: *close/im.test(head)) throw new Error(`answer ${status}: the server ends the connection`);
  const at = headEnd + HEAD_END.length;
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return readSized(bytes, at, Number(length), status);
  if (/^transfer-encoding: *chunked/im.test(head)) return readChunked(bytes, at, status);
  throw new Error(`answer ${status}: expected Content-Length or chunks`);
}

function readSized(bytes: Buffer, at: number, length: number, status: number): ReadAnswer | undefined {
  const end = at + length;
  if (bytes.length < end) return undefined;
  return { answer: { status, body: bytes.subarray(at, end) }, rest: bytes.subarray(end) };
}

function readChunked(bytes: Buffer, start: number, status: number): ReadAnswer | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const sizeEnd = bytes.indexOf(LINE_END, at);
    if (sizeEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, sizeEnd), 16);
    if (Number.isNaN(size)) throw new Error(`answer ${status}: expected the size of a chunk`);
    const chunkEnd = sizeEnd + LINE_END.length + size;
    const next = chunkEnd + LINE_END.length;
    if (bytes.length < next) return undefined;
    if (size === 0) {
      return { answer: { status, body: Buffer.concat(chunks) }, rest: bytes.subarray(next) };
    }
    chunks.push(bytes.subarray(sizeEnd + LINE_END.length, chunkEnd));
    at = next;
  }
}
