/** Containers, sandboxes and looks at them, for the tests of this folder. */
import type { ContainerSummary, PodLabels, SandboxSummary } from "../runtime/runtime.ts";
import { decide, type DecideContext, type Verdict } from "./decide.ts";
import { History } from "./history.ts";
import { observationOf, type Observation, type SandboxCondition } from "./observation.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

export const WEB: PodLabels = { uid: "web-uid", namespace: "default", name: "web" };
export const RUNTIME = "containerd at /run/containerd/containerd.sock";

export function container(part: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    id: "c0",
    sandboxID: "ready",
    pod: WEB,
    name: "app",
    attempt: 0,
    state: "created",
    createdAtNanos: 100n,
    ...part,
  };
}

export function sandbox(part: Partial<SandboxSummary> = {}): SandboxSummary {
  return { id: "ready", pod: WEB, attempt: 0, state: "ready", createdAtNanos: 1n, ...part };
}

/** One sandbox of the pod in each condition, named by it; `missing` is simply not there. */
export const SANDBOXES: readonly SandboxSummary[] = [
  sandbox(),
  sandbox({ id: "not-ready", state: "not-ready" }),
  sandbox({ id: "unrecognized", state: "unrecognized" }),
];

export const CONDITIONS = [
  "ready",
  "not-ready",
  "missing",
  "unrecognized",
] as const satisfies readonly SandboxCondition[];

export function look(
  containers: readonly ContainerSummary[],
  atMillis = 0,
  sandboxes: readonly SandboxSummary[] = SANDBOXES,
): Observation {
  return observationOf(
    { askedAtMillis: atMillis, listedAtMillis: atMillis, wallNanos: 1_000n },
    containers,
    sandboxes,
  );
}

/** Decides after the same containers were seen at each of the times; verdicts by container ID. */
export function verdictsAt(
  times: readonly number[],
  containers: readonly ContainerSummary[],
  part: Partial<DecideContext> = {},
  sandboxes: readonly SandboxSummary[] = SANDBOXES,
): ReadonlyMap<string, Verdict> {
  const history = new History();
  let last = look(containers, 0, sandboxes);
  for (const at of times) {
    last = look(containers, at, sandboxes);
    history.note(RUNTIME, last);
  }
  const context: DecideContext = {
    runtime: RUNTIME,
    phase: "boot",
    settings: DEFAULT_SETTINGS,
    own: { kind: "pod", uid: "agent-uid" },
    kubeletStopped: false,
    startsAreSeen: true,
    history,
    dates: new Map(),
    ...part,
  };
  return new Map(decide(last, context).map((verdict) => [verdict.container.id, verdict]));
}

/** `created-in-dead-sandbox` for a removal, the reason for a keep. */
export function shortVerdict(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "no verdict";
  return verdict.kind === "remove" ? verdict.rule : verdict.why;
}

export function verdictOf(verdicts: ReadonlyMap<string, Verdict>, id: string): Verdict {
  const verdict = verdicts.get(id);
  if (verdict === undefined) throw new Error(`no verdict on ${id}`);
  return verdict;
}
