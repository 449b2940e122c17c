/** Whether the certificate is in order: what readiness asks. */
import { BACKDATE_MILLIS } from "./authority.ts";
import type { CaBundles } from "./inject.ts";
import { isValidAt, type GoodPair } from "./pair.ts";
import type { Clock } from "./ports.ts";

export interface HealthCheck {
  /** `certificate` or `ca-bundle`. */
  readonly name: string;
  readonly ok: boolean;
  /** One sentence, without secrets. */
  readonly detail: string;
}

/** API servers act on a changed configuration within 2 s (measured, facts/kured-observed.md 3). */
export const CONFIGURATION_LAG_MILLIS = 2_000;
/** An authority older than this that was in the caBundles when we came was not written there just now. */
const LONG_KNOWN_MILLIS = 60_000;

/** The certificate is served and valid. `trouble`: what else is wrong with its source, told but not counted. */
export function certificateHealth(
  serving: GoodPair | undefined,
  trouble: string | undefined,
  clock: Clock,
): HealthCheck {
  const name = "certificate";
  const also = trouble === undefined ? "" : `; ${trouble}`;
  const [leaf] = serving?.chain ?? [];
  if (serving === undefined || leaf === undefined) {
    return { name, ok: false, detail: `no certificate to serve${also || " yet"}` };
  }
  const until = leaf.validToDate.toISOString();
  const now = clock.wallMillis();
  if (!isValidAt(leaf, now)) {
    const end = now >= leaf.validToDate.getTime() ? `expired at ${until}` : "is not valid yet";
    return { name, ok: false, detail: `certificate ${serving.pair.serial} ${end}${also}` };
  }
  return { name, ok: true, detail: `certificate ${serving.pair.serial} is valid until ${until}${also}` };
}

/** Every configuration that should exist carries the served certificate's authority, and API servers know by now. */
export function caBundleHealth(
  serving: GoodPair | undefined,
  caBundles: CaBundles,
  clock: Clock,
): HealthCheck {
  const name = "ca-bundle";
  const problems = caBundles.problems();
  const also = problems.length === 0 ? "" : `; ${problems.join("; ")}`;
  if (serving === undefined) return { name, ok: false, detail: `no certificate to serve yet${also}` };
  const absent = caBundles.absent();
  if (absent.length > 0) return { name, ok: false, detail: `${absent.join(" and ")} does not exist${also}` };
  // While the API server is away, what was last seen counts: our readiness must not hang on its.
  const carry = caBundles.carryOf(serving.chain, "known");
  switch (carry.kind) {
    case "unknown":
    case "missing":
      return { name, ok: false, detail: carry.detail + also };
    case "nobody-asks":
      return { name, ok: true, detail: `no configuration sends requests here${also}` };
    case "carried": {
      const issued = serving.anchor?.validFromDate.getTime() ?? 0;
      // This makes restarts quick; a first start waits out the lag.
      const old = clock.wallMillis() - issued - BACKDATE_MILLIS >= LONG_KNOWN_MILLIS;
      const ok = carry.forMillis >= CONFIGURATION_LAG_MILLIS || (carry.fromTheStart && old);
      return {
        name,
        ok,
        detail: (ok ? "every caBundle carries the authority" : "just written to the caBundles") + also,
      };
    }
  }
}
