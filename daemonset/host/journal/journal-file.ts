/** The journal's file: `{"version": N, "record": ...}`, whole or not at all. */
import { rename } from "node:fs/promises";
import { readText } from "../files/read-text.ts";
import { reasonOf } from "../reason.ts";

/** Turns what was in the file into the record, or says what is wrong with it. */
export type RecordParser<Rec> = (
  value: unknown,
) => { readonly kind: "record"; readonly record: Rec } | { readonly kind: "bad"; readonly reason: string };

export type JournalRead<Rec> =
  | { readonly kind: "read"; readonly record: Rec }
  | { readonly kind: "absent" }
  /** What was there can't be used. It was moved aside for a person to look at, if `movedTo` says where. */
  | { readonly kind: "corrupt"; readonly reason: string; readonly movedTo: string | undefined }
  /** It may be perfectly good, but can't be read now. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** The text of the file. */
export function journalText(version: number, record: unknown): string {
  return `${JSON.stringify({ version, record })}\n`;
}

/**
 * Reads the journal; a corrupt one, or one of another version, is moved aside unless nothing may be changed. Never
 * rejects. After anything but `read` the agent knows nothing of before and takes the slower rules.
 */
export async function readJournal<Rec>(
  path: string,
  version: number,
  parse: RecordParser<Rec>,
  { moveAside }: { readonly moveAside: boolean } = { moveAside: true },
): Promise<JournalRead<Rec>> {
  const read = await readText(path, 64 * 1024 * 1024);
  if (read.kind !== "text") return read;
  const parsed = parseJournal(read.text, version, parse);
  if (parsed.kind === "record") return { kind: "read", record: parsed.record };
  const reason = `${path}: ${parsed.reason}`;
  if (!moveAside) return { kind: "corrupt", reason, movedTo: undefined };
  try {
    // One name, so that a disk that spoils every journal is not filled with them; the newest is kept.
    const movedTo = `${path}.corrupt`;
    await rename(path, movedTo);
    return { kind: "corrupt", reason, movedTo };
  } catch (error) {
    return { kind: "corrupt", reason: `${reason}; moving it aside: ${reasonOf(error)}`, movedTo: undefined };
  }
}

function parseJournal<Rec>(
  text: string,
  version: number,
  parse: RecordParser<Rec>,
): ReturnType<typeof parse> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "bad", reason: text === "" ? "it is empty" : "it is not JSON" };
  }
  if (typeof value !== "object" || value === null || !("version" in value) || !("record" in value)) {
    return { kind: "bad", reason: 'expected {"version", "record"}' };
  }
  if (value.version !== version) {
    return { kind: "bad", reason: `version ${JSON.stringify(value.version)}; expected ${version}` };
  }
  return parse(value.record);
}
