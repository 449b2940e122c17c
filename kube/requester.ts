/** What every way to an API server has in common: a deadline, one more attempt where that helps, JSON or a KubeError. */
import type { KubeCall } from "./call.ts";
import { clockOffset } from "./clock-offset.ts";
import { failureOf, failureOfStatus, KubeError } from "./failure.ts";

/** What an API server may send us at most; the largest thing we read is a page of a list, whose size its reader chooses. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_MILLIS = 10_000;

/** One HTTP exchange's answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it comes; null without one. */
  readonly body: AsyncIterable<Uint8Array> | null;
}

export interface RequesterParts {
  /** Sends the call once. Rejects with whatever failed; `signal` ends it, but need not. */
  readonly send: (call: KubeCall, signal: AbortSignal) => Promise<HttpAnswer>;
  /** Called after a 401: true if the credentials are read anew with the next call. */
  readonly renew: () => boolean;
  readonly wallMillis: () => number;
}

export interface Requester {
  /** As KubeConnection says. */
  request(call: KubeCall): Promise<unknown>;
  clockOffsetMillis(): number;
}

export function makeRequester({ send, renew, wallMillis }: RequesterParts): Requester {
  let offsetMillis = 0;

  async function attempt(call: KubeCall, signal: AbortSignal): Promise<unknown> {
    const sentMillis = wallMillis();
    const { status, headers, body } = await send(call, signal);
    const receivedMillis = wallMillis();
    const text = await readText(body, status, call.doing);
    const json = parse(text);
    const failure = failureOfStatus(status, json, headers);
    const serverMillis = Date.parse(headers["date"] ?? "");
    if (Number.isFinite(serverMillis)) {
      offsetMillis = clockOffset(offsetMillis, { serverMillis, sentMillis, receivedMillis });
    }
    if (failure !== undefined) throw new KubeError(call.doing, failure);
    if (json === undefined) {
      const sentence = `HTTP ${status} with a body that is no JSON`;
      throw new KubeError(call.doing, { kind: "garbage", httpStatus: status, sentence });
    }
    return json;
  }

  /** True if the same call may be sent once more and could now end better. */
  function worthAnother(call: KubeCall, thrown: unknown): boolean {
    const { kind } = failureOf(thrown);
    if (kind === "unauthenticated") return renew();
    // A kept connection that the other side just closed looks like this.
    return kind === "network" && (call.method === "GET" || call.repeatable === true);
  }

  return {
    async request(call) {
      const deadline = AbortSignal.timeout(call.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS);
      const signal = AbortSignal.any([call.signal, deadline]);
      try {
        return await untilAborted(
          attempt(call, signal).catch((thrown: unknown) => {
            if (signal.aborted || !worthAnother(call, thrown)) throw thrown;
            return attempt(call, signal);
          }),
          signal,
        );
      } catch (thrown) {
        if (call.signal.aborted) throw new KubeError(call.doing, failureOf(aborted()), thrown);
        if (deadline.aborted) throw new KubeError(call.doing, failureOf(deadline.reason), thrown);
        throw thrown instanceof KubeError ? thrown : new KubeError(call.doing, failureOf(thrown), thrown);
      }
    },
    clockOffsetMillis: () => offsetMillis,
  };
}

/** Also bounds what takes no signal: reading credentials, an exec plugin that hangs. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, end]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

export async function readText(body: HttpAnswer["body"], status: number, doing: string): Promise<string> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      const sentence = `an answer of more than ${MAX_ANSWER_BYTES} bytes`;
      throw new KubeError(doing, { kind: "garbage", httpStatus: status, sentence });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** undefined if it is not JSON; no JSON text parses to undefined. */
export function parse(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch {
    return undefined;
  }
}

export function aborted(): DOMException {
  return new DOMException("aborted", "AbortError");
}
