/**
 * Keeps autoscalers away from a locked node: a node that is drained looks unneeded, and one that has just come back
 * looks empty, so that both would remove it (kured#93, kured#707, kured#1309). Pure and total.
 */

/** What each autoscaler is told, by its own documentation: Cluster Autoscaler's FAQ, Karpenter's disruption page. */
export const AUTOSCALER_ANNOTATIONS = [
  "cluster-autoscaler.kubernetes.io/scale-down-disabled",
  "karpenter.sh/do-not-disrupt",
] as const;

export type AutoscalerAnnotation = (typeof AUTOSCALER_ANNOTATIONS)[number];

/** What stood there before the lock; null where nothing did. Only the annotations that the lock has changed. */
export type AutoscalersBefore = Readonly<Partial<Record<AutoscalerAnnotation, string | null>>>;

type Annotations = ReadonlyMap<string, string>;

const AWAY = "true";

/** A longer value than this is nobody's setting, and would stand on the node twice: it is left alone. */
const LONGEST_KEPT = 256;

export interface KeptAway {
  /** To be written with the lock. */
  readonly annotations: ReadonlyMap<AutoscalerAnnotation, string>;
  /** For the record; undefined where the lock changes nothing. */
  readonly before: AutoscalersBefore | undefined;
}

/**
 * What a new lock writes.
 * @param annotations of the node as the request would leave it
 * @param held what the lock that it takes over had changed, undefined if there was none
 * @param keep whether new locks keep autoscalers away; what an old one has changed is remembered in any case
 */
export function keepAway(
  annotations: Annotations,
  held: AutoscalersBefore | undefined,
  keep: boolean,
): KeptAway {
  const written = new Map<AutoscalerAnnotation, string>();
  const before: Partial<Record<AutoscalerAnnotation, string | null>> = {};
  for (const key of AUTOSCALER_ANNOTATIONS) {
    const value = annotations.get(key);
    const remembered = held?.[key];
    if (value === AWAY) {
      if (remembered !== undefined) before[key] = remembered;
    } else if (keep && (value === undefined || value.length <= LONGEST_KEPT)) {
      written.set(key, AWAY);
      before[key] = value ?? null;
    }
  }
  return { annotations: written, before: Object.keys(before).length === 0 ? undefined : before };
}

/**
 * What the end of a lock writes; null removes the key. A value that is no longer ours stays: somebody set it since.
 * @param annotations of the node as the request would leave it
 */
export function giveBack(
  before: AutoscalersBefore | undefined,
  annotations: Annotations,
): ReadonlyMap<string, string | null> {
  const back = new Map<string, string | null>();
  for (const key of AUTOSCALER_ANNOTATIONS) {
    const previous = before?.[key];
    if (previous !== undefined && annotations.get(key) === AWAY) back.set(key, previous);
  }
  return back;
}

/** Reads the record's field; undefined if it is none. Keys that are not ours are dropped: they could be any. */
export function readAutoscalers(value: unknown): AutoscalersBefore | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const read: Partial<Record<AutoscalerAnnotation, string | null>> = {};
  for (const key of AUTOSCALER_ANNOTATIONS) {
    const previous = fields.get(key);
    if (previous === undefined) continue;
    if (previous !== null && typeof previous !== "string") return undefined;
    read[key] = previous;
  }
  return read;
}

export function sameAutoscalers(
  one: AutoscalersBefore | undefined,
  other: AutoscalersBefore | undefined,
): boolean {
  return AUTOSCALER_ANNOTATIONS.every((key) => one?.[key] === other?.[key]);
}
