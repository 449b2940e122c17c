/** What the agent remembers across restarts and boots. The memory is the truth; the file follows when it can. */
import type { Logger } from "pino";
import { backoffMillis } from "../../../program/backoff.ts";
import { reasonOf } from "../reason.ts";
import type { Time } from "../time.ts";
import { writeWholeFile } from "../files/whole-file.ts";
import { journalText, readJournal, type JournalRead, type RecordParser } from "./journal-file.ts";

/** A full disk is looked at again within this; the record is kept in memory meanwhile. */
const RETRY = { firstMillis: 1_000, maxMillis: 300_000 };

export interface JournalOptions<Rec> {
  readonly path: string;
  readonly version: number;
  readonly parse: RecordParser<Rec>;
  /** What is known when nothing could be read. */
  readonly empty: Rec;
  readonly time: Time;
  readonly log: Logger;
  /** Ends the tries to write. */
  readonly signal: AbortSignal;
  /** Writes a file whole. Defaults to `writeWholeFile`. */
  readonly write?: (path: string, text: string) => Promise<void>;
}

export type JournalState =
  | { readonly kind: "saved" }
  | { readonly kind: "saving" }
  /** The disk is full or read-only, say. Tried again; what is in memory is right. */
  | { readonly kind: "unsaved"; readonly reason: string; readonly failures: number };

export interface Journal<Rec> {
  /** What the file said when the journal was opened. */
  readonly opened: JournalRead<Rec>;
  current(): Rec;
  /** Changes the record now and the file soon. Never throws for the file's sake; nothing is written if equal. */
  update(change: (record: Rec) => Rec): void;
  /** Resolves when the file holds the record as it is now, or a try to write it failed: then see what it gives. */
  flush(): Promise<JournalState>;
  state(): JournalState;
}

/** Reads the journal, or starts an empty one. Never rejects. */
export async function openJournal<Rec>(options: JournalOptions<Rec>): Promise<Journal<Rec>> {
  const { path, version, time, log, signal, write = writeWholeFile } = options;
  const opened = await readJournal(path, version, options.parse);
  if (opened.kind === "corrupt") log.error(opened, "journal is corrupt; starting an empty one");
  if (opened.kind === "unreadable") log.error(opened, "journal can't be read; starting an empty one");
  let record = opened.kind === "read" ? opened.record : options.empty;
  let saved = opened.kind === "read" ? journalText(version, record) : undefined;
  let failure: { readonly reason: string; readonly failures: number } | undefined;
  let writes: Promise<void> = Promise.resolve();
  let retrying = false;

  async function writeOnce(): Promise<void> {
    const text = journalText(version, record);
    if (text === saved) return;
    try {
      await write(path, text);
      saved = text;
      if (failure !== undefined) log.info({ path }, "journal is written again");
      failure = undefined;
    } catch (error) {
      const reason = reasonOf(error);
      // The same trouble every few minutes is one line, not hundreds.
      if (failure?.reason !== reason) log.error({ path, err: error }, "journal can't be written; retrying");
      failure = { reason, failures: (failure?.failures ?? 0) + 1 };
    }
  }

  /** One write after the other, each with the record as it then is. */
  async function writeInTurn(): Promise<void> {
    writes = writes.then(writeOnce);
    await writes;
    if (failure !== undefined && !retrying) void retry();
  }

  async function retry(): Promise<void> {
    retrying = true;
    for (let open = failure; open !== undefined; open = failure) {
      await time.sleep(backoffMillis(open.failures, RETRY, time.random()), signal);
      if (signal.aborted) break;
      writes = writes.then(writeOnce);
      await writes;
    }
    retrying = false;
  }

  const state = (): JournalState => {
    if (failure !== undefined) return { kind: "unsaved", ...failure };
    return journalText(version, record) === saved ? { kind: "saved" } : { kind: "saving" };
  };

  return {
    opened,
    current: () => record,
    update(change) {
      record = change(record);
      if (journalText(version, record) !== saved) void writeInTurn();
    },
    async flush() {
      await writeInTurn();
      return state();
    },
    state,
  };
}
