#!/usr/bin/env node
/** The agent's program: settings, signals and exit codes; agent.ts and one-shot.ts do the rest. */
import { destination, pino, type Logger } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { runAgent } from "./agent.ts";
import { runCniCommand, type CniCommand } from "./cni-commands.ts";
import { exitOnUncaught, stopSignals } from "../program/process.ts";
import { readConfig, type Config } from "./config.ts";
import { runOnce } from "./one-shot.ts";
import { realWorld } from "./world.ts";

/** What still holds the process when all is done is cut off after this. */
const LINGER_MILLIS = 1_000;

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const read = readConfig(argv, env);
  switch (read.kind) {
    case "help":
      console.log(read.text);
      return 0;
    case "version":
      console.log(packageJson.version);
      return 0;
    case "bad":
      for (const problem of read.problems) console.error(`nodelatch-agent: ${problem}`);
      return 2;
    case "run":
      return run(read.config, env);
    case "boot":
    case "shutdown":
      return once(read.kind, read.config, env);
    case "scan":
    case "clean":
    case "report":
    case "restore":
      return cni(read.kind, read.words, read.config, env);
  }
}

async function run(config: Config, env: NodeJS.ProcessEnv): Promise<number> {
  const log = makeLog(config, 1);
  const { stop: term, hurry } = stopSignals(log);
  await runAgent({ config, world: realWorld(config, env), log, version: packageJson.version, term, hurry });
  return 0;
}

/** Its log goes to standard error: standard output is the report. */
async function once(phase: "boot" | "shutdown", config: Config, env: NodeJS.ProcessEnv): Promise<number> {
  const log = makeLog(config, 2);
  const { stop: signal } = stopSignals(log);
  const print = (text: string): void => console.log(text);
  return runOnce({ phase, config, world: realWorld(config, env), log, print, signal });
}

async function cni(
  command: CniCommand,
  words: readonly string[],
  config: Config,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const log = makeLog(config, 2);
  const { stop: signal } = stopSignals(log);
  const print = (text: string): void => console.log(text);
  return runCniCommand({ command, words, config, world: realWorld(config, env), log, print, signal });
}

function makeLog({ logLevel }: Config, fd: 1 | 2): Logger {
  const log = pino(
    { level: logLevel, base: { program: "nodelatch-agent" } },
    destination({ fd, sync: true }),
  );
  exitOnUncaught(log);
  return log;
}

// Waits of the agent's parts hold no process: this does, until all is done.
const alive = setInterval(() => {}, 3_600_000);
try {
  process.exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  clearInterval(alive);
  setTimeout(() => process.exit(), LINGER_MILLIS).unref();
}
