/** HTTP over Docker's unix socket: one request, one JSON answer of bounded size, within a deadline. */
import { request, type IncomingMessage } from "node:http";
import { codeOf } from "../../host/reason.ts";
import { inOneLine, wordsOf } from "../in-words.ts";
import { RuntimeError, type RuntimeFailureKind } from "../runtime.ts";

/** Of gRPC's size as well: 300 containers are 0.5 MB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface EngineRequest {
  readonly socketPath: string;
  readonly method: "GET" | "DELETE";
  readonly path: string;
  readonly deadlineMillis: number;
  readonly signal: AbortSignal;
  /** For error messages: who is asked for what. */
  readonly doing: string;
}

export interface EngineAnswer {
  readonly status: number;
  /** Parsed JSON; undefined if there was no body. */
  readonly body: unknown;
}

/** Docker's own word on what is wrong, where it gave one. */
export function engineMessage(answer: EngineAnswer): string {
  const { body } = answer;
  if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string") {
    return inOneLine(body.message);
  }
  return `HTTP status ${answer.status}`;
}

/** Resolves with whatever status came. @throws RuntimeError */
export async function askEngine(asked: EngineRequest): Promise<EngineAnswer> {
  const deadline = AbortSignal.timeout(asked.deadlineMillis);
  try {
    const response = await send(asked, AbortSignal.any([asked.signal, deadline]));
    const text = await readBody(response);
    return { status: response.statusCode ?? 0, body: text === "" ? undefined : parse(text) };
  } catch (thrown) {
    if (asked.signal.aborted) throw failure(asked, "deadline", "given up, no longer wanted", thrown);
    if (deadline.aborted) {
      throw failure(asked, "deadline", `no answer within ${asked.deadlineMillis} ms`, thrown);
    }
    throw failure(asked, kindOf(thrown), wordsOf(thrown), thrown);
  }
}

class UnreadableAnswer extends Error {
  override readonly name = "UnreadableAnswer";
}

async function send(asked: EngineRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { socketPath, method, path } = asked;
    // A connection for each request: dockerd answers on it in a millisecond, and none is held between passes.
    const sent = request({ socketPath, method, path, signal, agent: false, headers: { Host: "docker" } });
    sent.on("response", resolve);
    sent.on("error", reject);
    sent.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new UnreadableAnswer("it wants to switch protocols"));
    });
    sent.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) throw new UnreadableAnswer("its answer is not bytes");
    size += chunk.length;
    // Leaving the loop destroys the response, and with it the connection.
    if (size > MAX_ANSWER_BYTES) throw new UnreadableAnswer(`its answer exceeds ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new UnreadableAnswer(`its answer is not JSON: ${inOneLine(text.slice(0, 100))}`, { cause });
  }
}

/** Errors of Node's HTTP parser begin with HPE_. */
function kindOf(thrown: unknown): RuntimeFailureKind {
  const isNonsense = thrown instanceof UnreadableAnswer || (codeOf(thrown)?.startsWith("HPE_") ?? false);
  return isNonsense ? "nonsense" : "unavailable";
}

function failure(
  asked: EngineRequest,
  kind: RuntimeFailureKind,
  words: string,
  cause: unknown,
): RuntimeError {
  return new RuntimeError(kind, `${asked.doing}: ${words}`, { cause });
}
