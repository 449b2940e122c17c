/** What the journal keeps about the host. */
import type { RecordParser } from "./journal-file.ts";

export const HOST_RECORD_VERSION = 1;

/** The node's address when it last had one. */
export interface LastAddress {
  readonly address: string;
  readonly interface: string;
}

export interface HostRecord {
  /** The boot the agent last ran in. */
  readonly bootID: string | undefined;
  readonly lastAddress: LastAddress | undefined;
}

export const emptyHostRecord: HostRecord = { bootID: undefined, lastAddress: undefined };

/** Reads the record; members it does not know are left to those who do. */
export const parseHostRecord: RecordParser<HostRecord> = (value) => {
  if (!isMembers(value)) return { kind: "bad", reason: "record: expected an object" };
  const { bootID, lastAddress } = value;
  if (bootID !== undefined && typeof bootID !== "string") {
    return { kind: "bad", reason: `record.bootID: ${JSON.stringify(bootID)}; expected text` };
  }
  if (lastAddress === undefined) return { kind: "record", record: { bootID, lastAddress } };
  if (
    !isMembers(lastAddress) ||
    typeof lastAddress["address"] !== "string" ||
    typeof lastAddress["interface"] !== "string"
  ) {
    const shown = JSON.stringify(lastAddress);
    return { kind: "bad", reason: `record.lastAddress: ${shown}; expected {"address", "interface"}` };
  }
  const { address, interface: name } = lastAddress;
  return { kind: "record", record: { bootID, lastAddress: { address, interface: name } } };
};

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
