#!/usr/bin/env node
/** `kubectl nodelatch`: the program. program.ts does the work; the real world is put together here. */
import { homedir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import packageJson from "../package.json" with { type: "json" };
import { wantsColors } from "./output/terminal.ts";
import { runProgram } from "./program.ts";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
// `| head` closes the pipe: there is nobody left to print for.
process.stdout.on("error", () => process.exit(process.exitCode ?? 0));

/** What still holds the process when all is done is cut off after this. */
const LINGER_MILLIS = 500;

async function main(): Promise<void> {
  process.exitCode = await runProgram(process.argv.slice(2), {
    terminal: {
      out: (line) => void process.stdout.write(`${line}\n`),
      err: (line) => void process.stderr.write(`${line}\n`),
      colors: wantsColors(process.stdout.isTTY, process.env),
    },
    env: process.env,
    home: homedir(),
    interactive: process.stdin.isTTY,
    version: packageJson.version,
    wallMillis: () => Date.now(),
    monotonicMillis: () => performance.now(),
    async sleep(millis, signal) {
      await delay(millis, undefined, { signal }).catch(() => {});
    },
    random: () => Math.random(),
    signal: stop.signal,
  });
  setTimeout(() => process.exit(), LINGER_MILLIS).unref();
}

// No await out here: an executable that carries Node.js starts from CommonJS, which knows none. It never rejects.
void main();
