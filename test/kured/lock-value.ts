/**
 * What kured writes into its DaemonSet's annotation (facts/reboot-locks.md 1.3). Pure. With one holder at most the value
 * is that holder; with more it is a list. A lock without end, as by default: TTL is always 0.
 */
export const KURED_LOCK = "weave.works/kured-node-lock";

export interface KuredHold {
  readonly nodeID: string;
  readonly metadata: { readonly unschedulable: boolean };
  /** RFC 3339. */
  readonly created: string;
  readonly TTL: number;
}

/** @param value the annotation; undefined without one. */
export function holdsIn(value: string | undefined, concurrency: number): readonly KuredHold[] {
  if (value === undefined) return [];
  const parsed: unknown = JSON.parse(value);
  if (concurrency === 1) return isHold(parsed) ? [parsed] : [];
  const locks: unknown = isFields(parsed) ? parsed["locks"] : undefined;
  // A value of the other form counts as nobody's, as in kured.
  return Array.isArray(locks) ? locks.filter(isHold) : [];
}

export type Acquired =
  /** `value` is undefined where nothing has to be written: it is held already. */
  | { readonly kind: "held"; readonly value: string | undefined }
  | { readonly kind: "full"; readonly holders: readonly string[] };

export function acquireIn(value: string | undefined, mine: KuredHold, concurrency: number): Acquired {
  const holds = holdsIn(value, concurrency);
  if (holds.some(({ nodeID }) => nodeID === mine.nodeID)) return { kind: "held", value: undefined };
  if (holds.length >= concurrency) return { kind: "full", holders: holds.map(({ nodeID }) => nodeID) };
  return { kind: "held", value: written([...holds, mine], concurrency) };
}

/** The value without this node's hold; null: no annotation any more. */
export function releaseIn(value: string | undefined, nodeID: string, concurrency: number): string | null {
  const others = holdsIn(value, concurrency).filter((hold) => hold.nodeID !== nodeID);
  return concurrency === 1 ? null : written(others, concurrency);
}

function written(holds: readonly KuredHold[], concurrency: number): string {
  return JSON.stringify(concurrency === 1 ? holds[0] : { maxOwners: concurrency, locks: holds });
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isHold(value: unknown): value is KuredHold {
  if (!isFields(value) || typeof value["nodeID"] !== "string") return false;
  const { metadata } = value;
  return isFields(metadata) && typeof metadata["unschedulable"] === "boolean";
}
