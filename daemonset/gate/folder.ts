/** The folder of questions and answers, and the script beside it: kept as they must be, whatever was there before. */
import type { Stats } from "node:fs";
import { chmod, lstat, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { realFileSystem, writeWholeFile } from "../host/files/whole-file.ts";
import { answerText, nonceOf, parseQuestion, type Answer, type Question } from "./question.ts";
import { verifyScript } from "./script.ts";

export interface GateFolder {
  readonly path: string;
  readonly scriptPath: string;
  /**
   * Makes folder and script if they are missing or not as they should be; call it again now and then. "made": the
   * folder is a new one, and whoever watched the old one sees nothing any more.
   * @throws Error if that can't be done, e.g. on a full disk.
   */
  ensure(): Promise<"kept" | "made">;
  /** Removes what an earlier agent left, except for questions: their askers may still be there. */
  clear(): Promise<void>;
  /** Nonces of the questions that lie here. */
  list(): Promise<readonly string[]>;
  /** Undefined if it is not whole (yet), or not a regular file of our own user. */
  read(nonce: string): Promise<Question | undefined>;
  /** Whether its asker is still there: who gives up removes the question. */
  isAsked(nonce: string): Promise<boolean>;
  /** @throws Error if it can't be written. */
  answer(question: Question, answer: Answer): Promise<void>;
  forgetQuestion(nonce: string): Promise<void>;
  forgetAnswer(nonce: string): Promise<void>;
}

/** No question is longer; what is longer is none. */
const MOST_BYTES = 1_024;

/** @param runDir e.g. `/run/nodelatch`, by the same path on the node. */
export function gateFolder(runDir: string, script = verifyScript(join(runDir, "gate"))): GateFolder {
  const path = join(runDir, "gate");
  const scriptPath = join(runDir, "verify");
  const own = process.geteuid?.() ?? 0;
  const fileOf = (nonce: string, kind: "ask" | "answer"): string => join(path, `${nonce}.${kind}`);

  async function ensureFolder(): Promise<"kept" | "made"> {
    const found = await look(path);
    if (found?.isDirectory() === true && found.uid === own) {
      if ((found.mode & 0o777) !== 0o700) await chmod(path, 0o700);
      return "kept";
    }
    // Somebody else's, a link to elsewhere, a file: rm does not follow links.
    if (found !== undefined) await rm(path, { recursive: true, force: true });
    await mkdir(runDir, { recursive: true, mode: 0o755 });
    await mkdir(path, { mode: 0o700 });
    return "made";
  }

  async function ensureScript(): Promise<void> {
    const found = await look(scriptPath);
    const good =
      found?.isFile() === true &&
      found.uid === own &&
      (found.mode & 0o777) === 0o755 &&
      (await readFile(scriptPath, "utf8")) === script;
    if (good) return;
    if (found?.isDirectory() === true) await rm(scriptPath, { recursive: true, force: true });
    await writeWholeFile(scriptPath, script, realFileSystem, 0o755);
    await chmod(scriptPath, 0o755);
  }

  return {
    path,
    scriptPath,
    async ensure() {
      const folder = await ensureFolder();
      await ensureScript();
      return folder;
    },
    async clear() {
      for (const name of await readdir(path)) {
        if (nonceOf(name) === undefined) await rm(join(path, name), { recursive: true, force: true });
      }
    },
    async list() {
      const names = await readdir(path);
      return names.map(nonceOf).filter((nonce) => nonce !== undefined);
    },
    async read(nonce) {
      const file = fileOf(nonce, "ask");
      const found = await look(file);
      // Never opened if it is anything else: a FIFO would block, a link would lead elsewhere.
      if (found === undefined || !found.isFile() || found.uid !== own || found.size > MOST_BYTES)
        return undefined;
      return parseQuestion(await readFile(file, "utf8"), nonce);
    },
    isAsked: async (nonce) => (await look(fileOf(nonce, "ask"))) !== undefined,
    answer: async (question, answer) =>
      writeWholeFile(fileOf(question.nonce, "answer"), answerText(question, answer)),
    forgetQuestion: async (nonce) => rm(fileOf(nonce, "ask"), { recursive: true, force: true }),
    forgetAnswer: async (nonce) => rm(fileOf(nonce, "answer"), { recursive: true, force: true }),
  };
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw error;
  }
}
