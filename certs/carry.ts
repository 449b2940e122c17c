/** Which authorities one webhook configuration carries in every entry, and for how long this process has seen it. */
import type { X509Certificate } from "node:crypto";
import { anchorOf } from "./pair.ts";

/** Whether the API server would accept a chain, as far as the caBundles tell. */
export type Carry =
  /** A configuration could not be read. */
  | { readonly kind: "unknown"; readonly detail: string }
  /** No configuration has an entry: nobody calls us. */
  | { readonly kind: "nobody-asks" }
  | { readonly kind: "missing"; readonly detail: string }
  /** In every entry; `fromTheStart`: it was there when this process looked for the first time. */
  | { readonly kind: "carried"; readonly forMillis: number; readonly fromTheStart: boolean };

export interface Carried {
  readonly certificate: X509Certificate;
  readonly sinceMillis: number;
  readonly fromTheStart: boolean;
}

/** What was last seen of one configuration. Times are monotonic. */
export type ConfigurationView =
  | { readonly kind: "unread" }
  | { readonly kind: "absent"; readonly atMillis: number }
  | {
      readonly kind: "read";
      readonly atMillis: number;
      readonly entries: number;
      readonly carried: readonly Carried[];
    };

/** The view after a look at the configuration: what is still carried keeps its time. */
export function look(
  before: ConfigurationView,
  entries: readonly (readonly X509Certificate[])[],
  atMillis: number,
): ConfigurationView {
  const known = new Map(
    before.kind === "read" ? before.carried.map((one) => [one.certificate.fingerprint256, one]) : [],
  );
  const carried = inEvery(entries).map(
    (certificate) =>
      known.get(certificate.fingerprint256) ?? {
        certificate,
        sinceMillis: atMillis,
        fromTheStart: before.kind === "unread",
      },
  );
  return { kind: "read", atMillis, entries: entries.length, carried };
}

/** Whether one configuration accepts the chain; nobody-asks if it has no entries. */
export function carryIn(
  view: ConfigurationView,
  title: string,
  chain: readonly X509Certificate[],
  now: { readonly wallMillis: number; readonly monotonicMillis: number },
): Carry {
  switch (view.kind) {
    case "unread":
      return { kind: "unknown", detail: `${title} was not read yet` };
    case "absent":
      return { kind: "nobody-asks" };
    case "read": {
      if (view.entries === 0) return { kind: "nobody-asks" };
      const authorities = view.carried.map(({ certificate }) => certificate);
      const anchor = anchorOf(chain, authorities, now.wallMillis);
      const found = view.carried.find(({ certificate }) => certificate === anchor);
      if (found === undefined) {
        return { kind: "missing", detail: `${title} does not carry the authority in every caBundle` };
      }
      const { sinceMillis, fromTheStart } = found;
      return { kind: "carried", forMillis: now.monotonicMillis - sinceMillis, fromTheStart };
    }
  }
}

/** The worst of several: unknown, missing, then the shortest time. */
export function worst(carries: readonly Carry[]): Carry {
  const order = ["unknown", "missing"] as const;
  for (const kind of order) {
    const found = carries.find((carry) => carry.kind === kind);
    if (found !== undefined) return found;
  }
  const carried = carries.filter((carry) => carry.kind === "carried");
  if (carried.length === 0) return { kind: "nobody-asks" };
  return {
    kind: "carried",
    forMillis: Math.min(...carried.map(({ forMillis }) => forMillis)),
    fromTheStart: carried.every(({ fromTheStart }) => fromTheStart),
  };
}

function inEvery(entries: readonly (readonly X509Certificate[])[]): readonly X509Certificate[] {
  const [first = [], ...rest] = entries;
  const prints = rest.map((entry) => new Set(entry.map(({ fingerprint256 }) => fingerprint256)));
  return first.filter(({ fingerprint256 }) => prints.every((set) => set.has(fingerprint256)));
}
