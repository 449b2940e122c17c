import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** The last lines of every `*.log` file in a folder, each under its file's name, for a failure's message. */
export async function logTails(folder: string, lines: number): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".log")).sort();
  const tails = await Promise.all(
    names.map(async (name) => `--- ${name}\n${tail(await readFile(join(folder, name), "utf8"), lines)}`),
  );
  return tails.join("\n");
}

/** The last `lines` lines of a text. */
export function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
