/** Proofs of liveness for tests. */
import type { SandboxState, SandboxSummary } from "../../runtime/runtime.ts";
import type { AskedRuntime, Liveness } from "../liveness/liveness.ts";

export type Proven = Extract<Liveness, { readonly kind: "proven" }>;

export interface Alive {
  readonly ready?: readonly string[];
  readonly notReady?: readonly string[];
  readonly unrecognized?: readonly string[];
  /** Besides those above. */
  readonly sandboxes?: readonly SandboxSummary[];
  readonly others?: readonly string[];
  readonly addresses?: readonly string[];
  readonly namespacePaths?: readonly string[];
  /** Sockets of containerds. */
  readonly runtimes?: readonly string[];
  readonly version?: string;
  readonly name?: string;
  readonly ownedBy?: Proven["ownedBy"];
}

export function proven(alive: Alive = {}): Proven {
  const sandboxes = new Map<string, SandboxSummary>();
  const put = (ids: readonly string[], state: SandboxState): void => {
    for (const id of ids) sandboxes.set(id, sandbox(id, { state }));
  };
  put(alive.ready ?? [], "ready");
  put(alive.notReady ?? [], "not-ready");
  put(alive.unrecognized ?? [], "unrecognized");
  for (const each of alive.sandboxes ?? []) sandboxes.set(each.id, each);
  const { runtimes = ["/run/containerd/containerd.sock"], name = "containerd", version = "2.1.9" } = alive;
  return {
    kind: "proven",
    sandboxes,
    otherIDs: new Set(alive.others),
    addresses: new Set(alive.addresses),
    namespacePaths: new Set(alive.namespacePaths),
    runtimes: runtimes.map((hostPath): AskedRuntime => ({ name, version, hostPath })),
    ownedBy: alive.ownedBy ?? "own-pod",
  };
}

export function sandbox(id: string, more: Partial<SandboxSummary> = {}): SandboxSummary {
  return {
    id,
    pod: { uid: `pod-of-${id.slice(0, 6)}`, namespace: "default", name: `web-${id.slice(0, 6)}` },
    attempt: 0,
    state: "ready",
    createdAtNanos: 1n,
    ...more,
  };
}

/** A sandbox id that is easy to tell apart: `sandboxID(7)`. */
export function sandboxID(number: number): string {
  return number.toString(16).padStart(12, "0").padEnd(64, "ab");
}
