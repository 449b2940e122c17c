/** Docker's API version is negotiated: a path without one means the newest, which may leave out what is read here. */

interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

/** Version the agent was written for: Docker 20.10. */
const OURS: ApiVersion = { major: 1, minor: 41 };
/** Docker 1.12 (2016), below any kubelet that is still in use. */
const OLDEST: ApiVersion = { major: 1, minor: 24 };

export type Negotiation =
  | { readonly kind: "agreed"; readonly version: string }
  | { readonly kind: "too-old" }
  | { readonly kind: "nonsense" };

/**
 * What to speak with an engine that offers `newest` down to `oldest` (absent before API 1.24): ours, or the nearest to
 * it. Engines drop old versions (Docker 29 speaks none below 1.44); what is read here did not change.
 */
export function negotiate(newest: string, oldest: string | undefined): Negotiation {
  const high = parse(newest);
  const low = oldest === undefined || oldest === "" ? OLDEST : parse(oldest);
  if (high === undefined || low === undefined || isLess(high, low)) return { kind: "nonsense" };
  if (isLess(high, OLDEST)) return { kind: "too-old" };
  const nearest = isLess(high, OURS) ? high : isLess(OURS, low) ? low : OURS;
  return { kind: "agreed", version: `${nearest.major}.${nearest.minor}` };
}

function parse(text: string): ApiVersion | undefined {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,4})$/.exec(text) ?? [];
  return major === undefined || minor === undefined
    ? undefined
    : { major: Number(major), minor: Number(minor) };
}

function isLess(a: ApiVersion, b: ApiVersion): boolean {
  return a.major === b.major ? a.minor < b.minor : a.major < b.major;
}
