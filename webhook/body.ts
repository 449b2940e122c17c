/** Reads the body of one call: bounded in bytes, in time, and together with all others in memory. */
import type { IncomingMessage } from "node:http";
import type { InFlight } from "./in-flight.ts";
import { uidNear } from "./uid-near.ts";

/**
 * Two objects of 3 MiB (the API server's MaxRequestBodyBytes, as JSON) and 1 MiB for the rest; controller-runtime
 * (admission/http.go) has the same bound.
 */
export const MAX_BODY_BYTES = 7 * 1024 * 1024;

/** `uid` as far as it could be seen in the first bytes, or "". */
export type BodyResult =
  | { readonly kind: "read"; readonly body: Uint8Array }
  /** `drained`: the sender got rid of all of it, so the connection can be used on. */
  | { readonly kind: "too-large"; readonly uid: string; readonly drained: boolean }
  /** `signal` fired with a `TimeoutError` before the last byte came. */
  | { readonly kind: "late"; readonly uid: string }
  /** The bodies in flight fill their memory already. */
  | { readonly kind: "overloaded" }
  /** `signal` fired because the sender closed the connection. */
  | { readonly kind: "gone" };

/**
 * Never rejects. After `read` the caller owes `inFlight.giveBack(body.length)`; otherwise nothing is held.
 * A body that is too large is read on (and dropped) up to once more `maxBytes`: a connection closed while its sender
 * still writes is reset, and the sender may never see the answer.
 */
export function readBody(
  request: IncomingMessage,
  inFlight: InFlight,
  signal: AbortSignal,
  maxBytes = MAX_BODY_BYTES,
): Promise<BodyResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let seen = 0;
    let held = 0;
    let uid = "";
    let ended = false;

    const onData = (chunk: Buffer): void => {
      if (ended) return;
      seen += chunk.length;
      if (seen > maxBytes) {
        drop();
        if (seen > 2 * maxBytes) end({ kind: "too-large", uid, drained: false });
        return;
      }
      if (!inFlight.tryTake(chunk.length)) {
        end({ kind: "overloaded" });
        return;
      }
      held += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      if (ended) return;
      if (seen > maxBytes) {
        end({ kind: "too-large", uid, drained: true });
        return;
      }
      const [only] = chunks;
      const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, seen);
      held = 0;
      end({ kind: "read", body });
    };
    const onAbort = (): void => {
      drop();
      if (!isTimeout(signal)) end({ kind: "gone" });
      else if (seen > maxBytes) end({ kind: "too-large", uid, drained: false });
      else end({ kind: "late", uid });
    };

    /** Lets go of what has been read so far, except for the uid in it. */
    function drop(): void {
      const [first] = chunks;
      if (first !== undefined) uid = uidNear(first);
      chunks.length = 0;
      inFlight.giveBack(held);
      held = 0;
    }
    function end(result: BodyResult): void {
      ended = true;
      if (result.kind !== "read") drop();
      signal.removeEventListener("abort", onAbort);
      resolve(result);
    }
    // Listeners stay on for what may still come, and it flows into nothing: taking them off and watching for "close"
    // and "error" here made a call a tenth dearer, and the caller's signal fires for a closed connection anyway.
    request.on("data", onData).on("end", onEnd);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** True if the signal fired because of a deadline, false if the caller is gone. */
export function isTimeout(signal: AbortSignal): boolean {
  const reason: unknown = signal.reason;
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
