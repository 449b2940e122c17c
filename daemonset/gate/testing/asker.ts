/** Runs the verify script as a host would, in every POSIX shell that this machine has. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nonceOf, parseQuestion } from "../question.ts";
import { verifyScript } from "../script.ts";

export type Shell = readonly [command: string, ...args: string[]];

const KNOWN: readonly Shell[] = [["dash"], ["bash", "--posix"], ["busybox", "sh"]];

const found = KNOWN.filter(
  ([command, ...args]) => spawnSync(command, [...args, "-c", "exit 0"]).status === 0,
);

/** Never empty: every machine has `sh`. */
export const SHELLS: readonly (readonly [string, Shell])[] = (
  found.length === 0 ? [["sh"] as const] : found
).map((shell) => [shell.join(" "), shell]);

export interface Asked {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

/** What the script waits for an answer in tests, unless silence is what they are about. */
export const TEST_ANSWER_SECONDS = 20;

export function bootID(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

export function uptime(): number {
  return Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
}

const hosts: Host[] = [];

/** For afterAll; not after each test, as they run side by side. */
export function removeHosts(): void {
  for (const { runDir } of hosts) rmSync(runDir, { recursive: true, force: true });
}

/** A run directory with questions' folder and script. */
export class Host {
  readonly runDir = mkdtempSync(join(tmpdir(), "nl-gate-"));
  readonly folder = join(this.runDir, "gate");
  readonly script = join(this.runDir, "verify");
  readonly answerSeconds: number;

  /** @param answerSeconds what its script waits for an answer, and how old that may be. */
  constructor(answerSeconds = TEST_ANSWER_SECONDS) {
    this.answerSeconds = answerSeconds;
    hosts.push(this);
  }

  scriptText(): string {
    return verifyScript(this.folder, this.answerSeconds);
  }

  /** For tests without an agent. */
  async prepare(change: (script: string) => string = (script) => script): Promise<this> {
    await mkdir(this.folder, { mode: 0o700 });
    await writeFile(this.script, change(this.scriptText()), { mode: 0o755 });
    return this;
  }

  async ask(shell: Shell, ...args: readonly string[]): Promise<Asked> {
    return this.run([...shell, this.script, ...args]);
  }

  async run(command: readonly string[]): Promise<Asked> {
    const [program = "sh", ...args] = command;
    const begun = performance.now();
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      // A script that hangs is a failed test, not one that never ends.
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    const texts = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (texts.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (texts.err += chunk.toString()));
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.once("error", reject);
    child.once("close", resolve);
    const code = await promise;
    return { code, ...texts, seconds: (performance.now() - begun) / 1_000 };
  }

  /** Waits for the next question and lets `lie` do what an attacker, or an agent in trouble, would. */
  async whenAsked(lie: (nonce: string, folder: string) => unknown): Promise<void> {
    for (let tries = 0; tries < 3_000; tries += 1) {
      const nonce = (await readdir(this.folder)).map(nonceOf).find((one) => one !== undefined);
      if (nonce !== undefined && (await this.#isWhole(nonce))) {
        await lie(nonce, this.folder);
        return;
      }
      await delay(10);
    }
    throw new Error("nobody asked within 30 s");
  }

  /** A question is there before its words are. */
  async #isWhole(nonce: string): Promise<boolean> {
    const words = await readFile(join(this.folder, `${nonce}.ask`), "utf8").catch(() => "");
    return parseQuestion(words, nonce) !== undefined;
  }
}
