/** Who answers a stranger's uncordon, each on a node of its own, and what its answer looks like. */

export type AnswererName = "nothing" | "policy" | "go" | "nodelatch" | "go-guard" | "nodelatch-guard";

export interface Answerer {
  readonly name: AnswererName;
  /** For the table. */
  readonly title: string;
  readonly status: 200 | 403;
  /** What only this one's answer holds. */
  readonly says: string;
  /** Webhooks the API server calls for one such request, by the names they are registered under. */
  readonly calls: readonly string[];
}

/** Label of a node with the answerer's name: every registration selects its nodes by it. */
export const ANSWERER_LABEL = "bench.nodelatch.io/answerer";
export const POLICY_NAME = "denied-uncordon-bench";

/** Names in webhook registrations; a name tells the API server's counters apart. */
export const WEBHOOKS = {
  goGuard: "guard.go.example",
  goLatch: "latch.go.example",
  goGuardAlone: "guard-alone.go.example",
  guard: "guard.nodelatch.io",
  latch: "latch.nodelatch.io",
  guardAlone: "guard-alone.nodelatch.io",
} as const;

export const ANSWERERS: readonly Answerer[] = [
  // Dry, as a denied request writes nothing either.
  { name: "nothing", title: "nothing registered", status: 200, says: '"kind":"Node"', calls: [] },
  {
    name: "policy",
    title: "ValidatingAdmissionPolicy",
    status: 403,
    says: `ValidatingAdmissionPolicy '${POLICY_NAME}'`,
    calls: [],
  },
  webhook("go", "Go webhook, guard and latch", [WEBHOOKS.goLatch, WEBHOOKS.goGuard]),
  webhook("nodelatch", "nodelatch, guard and latch", [WEBHOOKS.latch, WEBHOOKS.guard]),
  webhook("go-guard", "Go webhook, guard alone", [WEBHOOKS.goGuardAlone]),
  webhook("nodelatch-guard", "nodelatch, guard alone", [WEBHOOKS.guardAlone]),
];

function webhook(name: AnswererName, title: string, calls: readonly [string, ...string[]]): Answerer {
  const refuses = calls.at(-1) ?? calls[0];
  return { name, title, status: 403, says: String.raw`admission webhook \"${refuses}\" denied`, calls };
}

/** The node of an answerer. */
export function nodeOf(name: AnswererName): string {
  return `worker-${name}`;
}
