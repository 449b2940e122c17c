/** What the caBundles of one configuration should become. Pure. */
import type { X509Certificate } from "node:crypto";
import type { WebhookEntry } from "../kube/webhook-configurations.ts";
import { makeBundle, MAX_BUNDLE, type BundleReading } from "./bundle.ts";

/** An entry with its caBundle sorted out. */
export interface ReadEntry extends WebhookEntry {
  readonly reading: BundleReading;
}

export type CaBundlePlan =
  | { readonly kind: "keep" }
  | {
      readonly kind: "set";
      readonly certificates: readonly X509Certificate[];
      /** In words, the first fault of each entry. */
      readonly reasons: readonly string[];
    };

export interface CaBundlePlanning {
  readonly entries: readonly ReadEntry[];
  /** What must be in every entry. */
  readonly wanted: readonly X509Certificate[];
  /**
   * True for a valid authority that is not wanted but may stay for now: another replica may know more than we do (a
   * newer Secret), or still serve with it. Adding is always safe, removing is not.
   */
  readonly mayStay: (certificate: X509Certificate) => boolean;
  readonly nowMillis: number;
}

export function planCaBundles(planning: CaBundlePlanning): CaBundlePlan {
  const { entries, wanted, mayStay, nowMillis } = planning;
  const must = makeBundle(wanted, nowMillis);
  const mustPrints = printsOf(must);
  const guests = unwantedIn(entries, mustPrints).filter(mayStay);
  const certificates = makeBundle(
    [...must, ...makeBundle(guests, nowMillis).slice(0, MAX_BUNDLE - must.length)],
    nowMillis,
  );
  const target = printsOf(certificates);
  const reasons = entries.flatMap((entry) => {
    const fault = faultOf(entry, target);
    return fault === undefined ? [] : [`${entry.name} ${fault}`];
  });
  return reasons.length === 0 ? { kind: "keep" } : { kind: "set", certificates, reasons };
}

/** Valid authorities in the entries that are not wanted, each once. */
export function unwantedIn(
  entries: readonly ReadEntry[],
  wantedPrints: ReadonlySet<string>,
): readonly X509Certificate[] {
  const found = new Map<string, X509Certificate>();
  for (const certificate of entries.flatMap(({ reading }) => reading.trusted)) {
    if (!wantedPrints.has(certificate.fingerprint256)) found.set(certificate.fingerprint256, certificate);
  }
  return [...found.values()];
}

export function printsOf(certificates: readonly X509Certificate[]): ReadonlySet<string> {
  return new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
}

function faultOf({ caBundle, reading }: ReadEntry, target: ReadonlySet<string>): string | undefined {
  if (caBundle.trim() === "") return "had an empty caBundle";
  if (reading.dirt.length > 0) return `had ${reading.dirt.join(" and ")}`;
  const prints = printsOf(reading.trusted);
  if (![...target].every((print) => prints.has(print))) return "lacked an authority";
  if (prints.size > target.size) return "had an authority that is not ours";
  return undefined;
}
