/** What may be removed in which pass, as data: the chart's values and the command line fill it in. */

/**
 * boot: passes soon after a new boot ID was seen. steady: any later pass. shutdown: the node is going down (logind or
 * systemd said so).
 */
export type Phase = "boot" | "steady" | "shutdown";

/** on: decide and remove. report: decide, touch nothing. off: do not even list. */
export type Mode = "on" | "report" | "off";

export const RULES = [
  /** CREATED in a sandbox that is NOTREADY or gone: the runtime refuses to start it there. */
  "created-in-dead-sandbox",
  /** CREATED in a READY sandbox for longer than any start takes. */
  "created-in-ready-sandbox",
  /** UNKNOWN (the runtime lost its status) in a NOTREADY sandbox. */
  "unknown-in-dead-sandbox",
  /** Not running, and dated later than a higher attempt of the same container: kubelet takes it for the newest. */
  "clock-inverted",
] as const;

export type Rule = (typeof RULES)[number];

export interface ContainersSettings {
  readonly modes: Readonly<Record<Phase, Mode>>;
  readonly rules: Readonly<Record<Rule, boolean>>;
  /** Time between two sightings of the same state that must have passed where one look proves nothing. */
  readonly graceMillis: Readonly<Record<Phase, number>>;
}

/** 10 s: a create and its start are milliseconds apart. 2 s at shutdown: logind waits 5 s (facts/containers.md 3, 4). */
export const DEFAULT_SETTINGS: ContainersSettings = {
  modes: { boot: "on", steady: "on", shutdown: "on" },
  rules: {
    "created-in-dead-sandbox": true,
    "created-in-ready-sandbox": true,
    "unknown-in-dead-sandbox": true,
    "clock-inverted": true,
  },
  graceMillis: { boot: 10_000, steady: 10_000, shutdown: 2_000 },
};

/**
 * The pod that this program runs in. `unknown` (it should be a pod, but nothing says which) removes nothing at all;
 * `none` is for a program started by hand or by the host itself, never for a missing setting.
 */
export type OwnPod =
  { readonly kind: "pod"; readonly uid: string } | { readonly kind: "none" } | { readonly kind: "unknown" };

/** From the downward API's `metadata.uid`. Fails closed: an absent or blank value is `unknown`. */
export function ownPodOf(uid: string | undefined): OwnPod {
  const trimmed = uid?.trim() ?? "";
  return trimmed === "" ? { kind: "unknown" } : { kind: "pod", uid: trimmed };
}
