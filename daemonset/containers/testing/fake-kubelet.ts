/** How kubelet chooses the next attempt of a container, so far as stuck names depend on it (containers.md 1.2, 3). */
import type { PodLabels } from "../../runtime/runtime.ts";
import { NameReservedError, type FakeContainer, type FakeRuntime } from "./fake-runtime.ts";

export type SyncResult =
  | { readonly kind: "started"; readonly attempt: number }
  | { readonly kind: "runs" }
  | { readonly kind: "reserved"; readonly attempt: number; readonly message: string };

/** One sync of one container with restartPolicy Always, in a READY sandbox that is made if there is none. */
export function syncContainer(
  runtime: FakeRuntime,
  pod: PodLabels,
  name: string,
  highestLogged: number,
): SyncResult {
  const all = [...runtime.containers.values()].filter(
    (container) => container.pod?.uid === pod.uid && container.name === name && !container.inFlight,
  );
  // One whose state is not known is stopped before anything else happens to it.
  for (const container of all) if (container.state === "unknown") container.state = "exited";
  const newest = newestByDate(all);
  if (newest?.state === "running") return { kind: "runs" };
  // Without any status, the log directory tells the last attempt (calcRestartCountByLogDir).
  const attempt = newest === undefined ? highestLogged + 1 : newest.attempt + 1;
  const ready = [...runtime.sandboxes].find(
    ([, { pod: of, state }]) => of.uid === pod.uid && state === "ready",
  );
  const sandboxID = ready?.[0] ?? runtime.runSandbox(pod, runtime.sandboxes.size);
  try {
    const made = runtime.create(sandboxID, name, attempt);
    runtime.beginStart(made);
    runtime.endStart(made);
    return { kind: "started", attempt };
  } catch (thrown) {
    if (thrown instanceof NameReservedError) return { kind: "reserved", attempt, message: thrown.message };
    throw thrown;
  }
}

/** Status calls know dates that the list has lost. */
function newestByDate(containers: readonly FakeContainer[]): FakeContainer | undefined {
  return containers.toSorted((a, b) => (a.createdAtNanos < b.createdAtNanos ? 1 : -1))[0];
}
