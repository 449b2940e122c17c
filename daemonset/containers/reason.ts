/** Verdicts in words, for logs, Events and people. Words only; decide.ts decides. */
import type { ContainerSummary } from "../runtime/runtime.ts";
import type { Keep, KeepReason, Removal, Verdict } from "./decide.ts";

/** `default/web app attempt 3 (0123456789ab)` */
export function nameOf(container: ContainerSummary): string {
  const id = container.id.slice(0, 12);
  if (container.pod === undefined) return `container ${id}`;
  return `${container.pod.namespace}/${container.pod.name} ${container.name} attempt ${container.attempt} (${id})`;
}

export function reasonOf(verdict: Verdict): string {
  return verdict.kind === "remove" ? removalReason(verdict) : keepReason(verdict);
}

function removalReason(removal: Removal): string {
  const { container, overtaken } = removal;
  const wedge =
    overtaken === undefined
      ? ""
      : `; its date is later than that of attempt ${overtaken.attempt}, so kubelet takes it for the newest`;
  switch (removal.rule) {
    case "created-in-dead-sandbox":
      return removal.sandbox === "missing"
        ? `created but never started, and its sandbox is gone${seen(removal)}${wedge}`
        : `created but never started, in a sandbox that has ended: it can't be started any more${wedge}`;
    case "created-in-ready-sandbox":
      return `created but never started${seen(removal)}, longer than a start takes${wedge}`;
    case "unknown-in-dead-sandbox":
      return "the runtime has lost its status, and its sandbox has ended";
    case "clock-inverted":
      return `${container.state === "created" ? "created but never started" : "ended"}${wedge} and can't make a new one`;
  }
}

function seen({ sightings }: Removal): string {
  return `, seen ${sightings.count} times over ${(sightings.spanMillis / 1_000).toFixed(1)} s`;
}

const KEPT: Readonly<Record<Exclude<KeepReason, "switched-off">, string>> = {
  "own-pod-unknown": "which pod is this program's own is not known, so nothing is removed",
  running: "it runs",
  "not-kubernetes": "it carries no Kubernetes labels",
  "own-pod": "it belongs to this program's own pod",
  "unrecognized-state": "the runtime gives it a state that this program does not know",
  "unrecognized-sandbox": "the runtime gives its sandbox a state that this program does not know",
  "foreign-sandbox": "its sandbox is listed as another pod's",
  "seen-too-briefly": "it has not been seen like this for long enough: it may be about to start",
  "may-still-run": "the runtime has lost its status, and it may still run",
  ended: "it has ended, and no higher attempt has an earlier date: kubelet and logs need it",
  "date-unknown": "it has ended, but its date is not known, so its place among the attempts is not",
  "left-to-boot":
    "its date is later than that of a higher attempt; that is put right at boot, not at shutdown",
};

function keepReason(kept: Keep): string {
  return kept.why === "switched-off"
    ? `the rule ${kept.rule ?? ""} that applies is switched off`
    : KEPT[kept.why];
}
