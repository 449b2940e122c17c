/**
 * What kured writes into its DaemonSet's annotation (facts/reboot-locks.md 1.3; kubereboot/kured
 * pkg/daemonsetlock/daemonsetlock.go). Pure. With one holder at most the value is that holder; with more it is a list.
 * A lock without end, as by default: TTL is always 0.
 */
export const KURED_LOCK = "weave.works/kured-node-lock";

export interface KuredHold {
  readonly nodeID: string;
  readonly metadata: { readonly unschedulable: boolean };
  /** RFC 3339. */
  readonly created: string;
  readonly TTL: number;
}

/**
 * @param value the annotation; undefined without one.
 * @throws Error for a value that is no JSON object: kured fails too.
 */
export function holdsIn(value: string | undefined, concurrency: number): readonly KuredHold[] {
  if (value === undefined) return [];
  const parsed = fieldsOf(JSON.parse(value), value);
  if (concurrency === 1) return [holdOf(parsed)];
  // The value of a kured that lets one reboot at a time has no list, so it counts as nobody's.
  const { locks } = parsed;
  return Array.isArray(locks) ? locks.map((lock: unknown) => holdOf(fieldsOf(lock, value))) : [];
}

export type Acquired =
  /** `value` is undefined where nothing has to be written: it is held already. */
  | { readonly kind: "held"; readonly value: string | undefined }
  | { readonly kind: "full"; readonly holders: readonly string[] };

export function acquireIn(value: string | undefined, mine: KuredHold, concurrency: number): Acquired {
  const holds = holdsIn(value, concurrency);
  if (concurrency > 1) {
    // Neither a look whether it is among them, nor their names when they are too many.
    if (holds.length >= concurrency) return { kind: "full", holders: [] };
    return { kind: "held", value: JSON.stringify({ maxOwners: concurrency, locks: [...holds, mine] }) };
  }
  const [hold] = holds;
  if (hold === undefined) return { kind: "held", value: JSON.stringify(mine) };
  if (hold.nodeID === mine.nodeID) return { kind: "held", value: undefined };
  return { kind: "full", holders: [hold.nodeID] };
}

export type Released =
  /** `value` is null where no annotation is left. */
  { readonly kind: "released"; readonly value: string | null } | { readonly kind: "not held" };

/** The value without this node's hold. */
export function releaseIn(value: string | undefined, nodeID: string, concurrency: number): Released {
  const holds = holdsIn(value, concurrency);
  const at = holds.findIndex((hold) => hold.nodeID === nodeID);
  if (at < 0) return { kind: "not held" };
  if (concurrency === 1) return { kind: "released", value: null };
  const locks = holds.toSpliced(at, 1);
  return { kind: "released", value: JSON.stringify({ maxOwners: concurrency, locks }) };
}

/** As Go reads it: a field that is missing has its type's zero. */
function holdOf(fields: Fields): KuredHold {
  const { nodeID, metadata, created, TTL } = fields;
  const unschedulable = isFields(metadata) && metadata["unschedulable"] === true;
  return {
    nodeID: typeof nodeID === "string" ? nodeID : "",
    metadata: { unschedulable },
    created: typeof created === "string" ? created : "0001-01-01T00:00:00Z",
    TTL: typeof TTL === "number" ? TTL : 0,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, whole: string): Fields {
  if (isFields(value)) return value;
  throw new Error(`${KURED_LOCK}: expected JSON objects, got ${whole}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
