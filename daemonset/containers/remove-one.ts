/** One removal: read again, compare, remove. What comes between the last read and the removal is the whole race. */
import { RuntimeError, type ContainerRuntime, type RemoveResult } from "../runtime/runtime.ts";
import { within } from "./deadline.ts";
import type { Removal } from "./decide.ts";
import type { OutcomeKind } from "./outcome.ts";
import { whyChanged, whyOrderChanged } from "./reread.ts";

export interface RemoveOneRequest {
  readonly runtime: ContainerRuntime;
  /**
   * Whether a task of this container exists: it is being started, or runs, whatever its status shows. Asked of created
   * and unknown ones, whose removal could kill it. Absent where there is no way to know.
   */
  readonly hasTask?: ((containerID: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  readonly callTimeoutMillis: number;
  readonly monotonicMillis: () => number;
  readonly signal: AbortSignal;
}

/** Never rejects. `busy` comes with `tries: 1`; trying again is the caller's. */
export async function removeOne(removal: Removal, request: RemoveOneRequest): Promise<OutcomeKind> {
  const { runtime, callTimeoutMillis, signal } = request;
  const { container } = removal;
  const call = <T>(doing: string, work: (signal: AbortSignal) => Promise<T>) =>
    within(callTimeoutMillis, signal, `${runtime.label}: ${doing} ${container.id}`, work);
  const startedMillis = request.monotonicMillis();
  try {
    // The proof first: the container's own status must be the last thing read.
    const proof = removal.rule === "clock-inverted" ? removal.overtaken : undefined;
    const freshProof =
      proof === undefined
        ? undefined
        : await call("status of the proof for", (until) => runtime.containerState(proof.id, until));
    const fresh = await call("status of", (until) => runtime.containerState(container.id, until));
    if (fresh === undefined) return { kind: "gone" };
    const changed =
      whyChanged(container, fresh) ??
      (removal.rule === "clock-inverted" ? whyOrderChanged(removal, fresh, freshProof) : undefined);
    if (changed !== undefined) return { kind: "kept", why: changed };
    const { hasTask } = request;
    if (container.state !== "exited" && hasTask !== undefined) {
      const found = await call("look for a task of", (until) => hasTask(container.id, until));
      if (found) return { kind: "busy", tries: 1, message: "it is being started, or runs: it has a task" };
    }
    const result = await call("remove", (until) => runtime.removeContainer(container.id, until));
    return settled(result, request.monotonicMillis() - startedMillis, signal);
  } catch (thrown) {
    return failed(thrown, signal);
  }
}

function settled(result: RemoveResult, millis: number, signal: AbortSignal): OutcomeKind {
  switch (result.kind) {
    case "removed":
      return { kind: "removed", millis };
    case "gone":
      return { kind: "gone" };
    case "busy":
      return { kind: "busy", tries: 1, message: result.message };
    case "failed":
      return failed(new RuntimeError(result.cause.kind, result.message, { cause: result.cause }), signal);
  }
}

function failed(thrown: unknown, signal: AbortSignal): OutcomeKind {
  // Even if the removal was sent already: the next pass sees whether it was done.
  const cutOff = thrown instanceof RuntimeError && thrown.kind === "deadline" && signal.aborted;
  if (cutOff) return { kind: "left", why: "no-time" };
  if (!(thrown instanceof RuntimeError)) {
    return { kind: "failed", failure: "other", message: String(thrown) };
  }
  if (thrown.kind === "busy") return { kind: "busy", tries: 1, message: thrown.message };
  if (thrown.kind === "not-found") return { kind: "gone" };
  return { kind: "failed", failure: thrown.kind, message: thrown.message };
}
