/** The memory's file. It is read once, and written after a pass that changed something. */
import { journalText, readJournal, type JournalRead } from "../../host/journal/journal-file.ts";
import { writeWholeFile } from "../../host/files/whole-file.ts";
import { reasonOf } from "../../host/reason.ts";
import type { Memory } from "./memory.ts";
import { LEASE_RECORD_VERSION, parseLeaseRecord, toJson, type LeaseRecord } from "./record.ts";

export interface MemoryStore {
  /** Without the file, or with a corrupt one, leases of before this start take the slower rule. Never rejects. */
  load(): Promise<JournalRead<LeaseRecord>>;
  /** Undefined if it is written, else why not. Nothing is written if it is what was written last. Never rejects. */
  save(memory: Pick<Memory, "stamp" | "toRecord">): Promise<string | undefined>;
}

export interface StoreOptions {
  readonly path: string;
  /** A look that must change nothing: a corrupt file stays where it is, and nothing is written. */
  readonly readOnly: boolean;
  /** Defaults to `writeWholeFile`. */
  readonly write?: (path: string, text: string) => Promise<void>;
}

export function makeMemoryStore({ path, readOnly, write = writeWholeFile }: StoreOptions): MemoryStore {
  let saved: string | undefined;
  return {
    async load() {
      return readJournal(path, LEASE_RECORD_VERSION, parseLeaseRecord, { moveAside: !readOnly });
    },
    async save(memory) {
      if (readOnly) return undefined;
      // Its text has megabytes where leases are many, and mostly nothing has changed.
      const stamp = memory.stamp();
      const record = stamp === saved ? undefined : memory.toRecord();
      if (record === undefined) return undefined;
      try {
        await write(path, journalText(LEASE_RECORD_VERSION, toJson(record)));
        saved = stamp;
        return undefined;
      } catch (thrown) {
        return reasonOf(thrown);
      }
    },
  };
}
