/** A call that ends in time even if what it calls does not keep to its signal. */
import { RuntimeError } from "../runtime/runtime.ts";

/**
 * Runs `call` with a signal that fires after `millis` or with `signal`, whichever is first.
 *
 * @throws RuntimeError of kind `deadline` then, at once; what `call` itself throws otherwise.
 */
export async function within<T>(
  millis: number,
  signal: AbortSignal,
  doing: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw cutOff(doing, "the time for all of it was used up before", signal.reason);
  const controller = new AbortController();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const end = (why: string, cause: unknown) => {
    reject(cutOff(doing, why, cause));
    controller.abort(cause);
  };
  const onAbort = () => end("the time for all of it is used up", signal.reason);
  const timer = setTimeout(() => end(`no answer within ${millis} ms`, undefined), millis);
  timer.unref();
  signal.addEventListener("abort", onAbort);
  try {
    // The loser of the race stays handled: race() subscribes to both.
    return await Promise.race([call(controller.signal), cut]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function cutOff(doing: string, why: string, cause: unknown): RuntimeError {
  return new RuntimeError("deadline", `${doing}: ${why}`, { cause });
}
