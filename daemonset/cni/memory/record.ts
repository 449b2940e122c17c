/** What is remembered of leases across restarts and boots, as it is in the file. */
import type { RecordParser } from "../../host/journal/journal-file.ts";
import { FingerprintMap } from "./fingerprint-map.ts";

export const LEASE_RECORD_VERSION = 1;

export interface LeaseRecord {
  /** The boot in which `seen` was seen. */
  readonly bootID: string;
  /** Leases and caches that were there at the last pass. */
  readonly seen: FingerprintMap;
  /** Those of them that an earlier boot had seen already. */
  readonly earlier: FingerprintMap;
  /** Sandbox ids that a runtime has listed and that a lease or a cache still names. */
  readonly listed: FingerprintMap;
  /** Sockets of runtimes that were asked in this boot, as the node calls them. */
  readonly runtimes: readonly string[];
  /** The last boots, oldest first: how many leases each left stale. For the forecast only. */
  readonly boots: readonly BootTally[];
}

/** The same with maps as their bytes, so that nothing is held twice while it is written. */
export interface WrittenRecord extends Omit<LeaseRecord, "seen" | "earlier" | "listed"> {
  readonly seen: Buffer;
  readonly earlier: Buffer;
  readonly listed: Buffer;
}

export interface BootTally {
  readonly bootID: string;
  /** Leases removed as stale, by network directory. */
  readonly stale: Readonly<Record<string, number>>;
}

/** For `JSON.stringify`. */
export function toJson(record: WrittenRecord): unknown {
  const [seen, earlier, listed] = [record.seen, record.earlier, record.listed].map((bytes) =>
    bytes.toString("base64"),
  );
  return { ...record, seen, earlier, listed };
}

export const parseLeaseRecord: RecordParser<LeaseRecord> = (value) => {
  if (!isMembers(value)) return bad("record: expected an object");
  const { bootID, runtimes, boots } = value;
  if (typeof bootID !== "string" || bootID === "") return bad("record.bootID: expected text");
  if (!isTexts(runtimes)) return bad("record.runtimes: expected a list of texts");
  if (!Array.isArray(boots) || !boots.every(isTally)) {
    return bad('record.boots: expected a list of {"bootID", "stale"}');
  }
  const [seen, earlier, listed] = ["seen", "earlier", "listed"].map((key) => parseMap(value[key]));
  if (seen === undefined || earlier === undefined || listed === undefined) {
    return bad("record.seen, record.earlier, record.listed: expected base64 of whole entries");
  }
  return { kind: "record", record: { bootID, seen, earlier, listed, runtimes, boots } };
};

const bad = (reason: string) => ({ kind: "bad", reason }) as const;

function parseMap(value: unknown): FingerprintMap | undefined {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
  return FingerprintMap.fromBytes(Buffer.from(value, "base64"));
}

function isTally(value: unknown): value is BootTally {
  if (!isMembers(value) || typeof value["bootID"] !== "string" || !isMembers(value["stale"])) return false;
  return Object.values(value["stale"]).every((count) => typeof count === "number");
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
