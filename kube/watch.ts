/** Watches: an answer without end, one JSON object a line. */
import type { KubeCall, KubeConnection } from "./call.ts";
import { failureOf, failureOfStatus, KubeError } from "./failure.ts";
import { isObject, type JsonObject } from "./json.ts";
import { aborted, parse, readText, untilAborted, type RequesterParts } from "./requester.ts";

export interface WatchCall extends Pick<KubeCall, "doing" | "path" | "query" | "signal"> {
  /** For the whole watch, also if nothing comes: the only sign of a connection that is dead without an end. */
  readonly timeoutMillis: number;
  /** Called when the API server has taken the watch. */
  readonly onOpen: () => void;
}

/** A connection that can watch too. */
export interface WatchingConnection extends KubeConnection {
  /**
   * The events as they come, until the API server ends the watch.
   * @throws KubeError while iterating.
   */
  watch(call: WatchCall): AsyncIterable<JsonObject>;
}

/** An event carries one object, and etcd stores none of more than 1.5 MiB. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

export function makeWatch({
  send,
  renew,
}: Pick<RequesterParts, "send" | "renew">): WatchingConnection["watch"] {
  return async function* watch(call) {
    const { doing, onOpen } = call;
    const deadline = AbortSignal.timeout(call.timeoutMillis);
    const signal = AbortSignal.any([call.signal, deadline]);
    try {
      const { status, headers, body } = await untilAborted(send({ ...call, method: "GET" }, signal), signal);
      if (status !== 200 || body === null) {
        const failure = failureOfStatus(status, parse(await readText(body, status, doing)), headers);
        if (failure?.kind === "unauthenticated") renew();
        const nothing = {
          kind: "garbage",
          httpStatus: status,
          sentence: `HTTP ${status} without a watch`,
        } as const;
        throw new KubeError(doing, failure ?? nothing);
      }
      onOpen();
      for await (const line of linesOf(body, doing)) {
        const event = parse(line);
        if (!isObject(event))
          throw new KubeError(doing, { kind: "garbage", sentence: "a line that is no event" });
        yield event;
      }
    } catch (thrown) {
      if (call.signal.aborted) throw new KubeError(doing, failureOf(aborted()), thrown);
      if (deadline.aborted) throw new KubeError(doing, failureOf(deadline.reason), thrown);
      throw thrown instanceof KubeError ? thrown : new KubeError(doing, failureOf(thrown), thrown);
    }
  };
}

/** Whole lines; what follows the last line end was cut off with the connection. */
async function* linesOf(body: AsyncIterable<Uint8Array>, doing: string): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) {
      const sentence = `an event of more than ${MAX_LINE_CHARACTERS} characters`;
      throw new KubeError(doing, { kind: "garbage", sentence });
    }
    for (const line of lines) if (line.trim() !== "") yield line;
  }
}
