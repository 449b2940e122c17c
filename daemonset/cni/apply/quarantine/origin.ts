/** What a drawer's record says: where its files came from and when, as far as that can be known. Pure. */

/** `lease`: of a network directory, which has a lock. `file`: of any other. */
export type OriginKind = "lease" | "file";

export interface Origin {
  /** The directory, as the node calls it. */
  readonly directory: string;
  readonly kind: OriginKind;
  /** By the node's clock, which may be wrong. */
  readonly wallMillis: number;
  /** How long the agent had watched the node by then, over all its boots: see observed-time.ts. */
  readonly observedSeconds: number;
}

const VERSION = 1;

export function originText(origin: Origin): string {
  return `${JSON.stringify({ version: VERSION, ...origin })}\n`;
}

/** Undefined for what no version of this program wrote. */
export function parseOrigin(text: string): Origin | undefined {
  const record = recordOf(text);
  if (record === undefined || record.get("version") !== VERSION) return undefined;
  const directory = record.get("directory");
  const kind = record.get("kind");
  const wallMillis = record.get("wallMillis");
  const observedSeconds = record.get("observedSeconds");
  if (typeof directory !== "string" || !directory.startsWith("/")) return undefined;
  if (kind !== "lease" && kind !== "file") return undefined;
  if (!isCount(wallMillis) || !isCount(observedSeconds)) return undefined;
  return { directory, kind, wallMillis, observedSeconds };
}

/** The fields of a JSON object. Undefined for any other text. */
export function recordOf(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
