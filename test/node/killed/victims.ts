/** Agents that are killed, and what they leave on the disk. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../../bench/process/free-port.ts";
import { readBootMarker } from "../../../daemonset/host/boot/boot-marker.ts";
import { HOST_RECORD_VERSION, parseHostRecord } from "../../../daemonset/host/journal/host-record.ts";
import { readJournal } from "../../../daemonset/host/journal/journal-file.ts";
import { bundle } from "../../../scripts/bundle.ts";

export interface Victim {
  /** SIGKILL; returns when it is gone. */
  kill(): Promise<void>;
}

export interface VictimPlace {
  /** The node's root as it sees it. */
  readonly hostRoot: string;
  readonly endpoint: string;
  readonly runDir: string;
  readonly stateDir: string;
}

export interface Victims {
  /** @param factor how many times as fast its time passes. */
  start(place: VictimPlace, factor: number): Promise<Victim>;
  remove(): Promise<void>;
}

/** Bundled as the agent in the image is: started hundreds of times, a program of many files takes too long. */
export async function makeVictims(): Promise<Victims> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-victim-"));
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const programs = [{ name: "victim", entry: "test/node/killed/victim.ts" }];
  await bundle({ root, outDir: folder, programs });
  return {
    remove: async () => rm(folder, { recursive: true, force: true }),
    async start({ hostRoot, endpoint, runDir, stateDir }, factor) {
      const [port = 0] = await freePorts(1);
      const flags = [
        "--by-hand=true",
        "--api=off",
        "--shutdown-pass=off",
        `--host-root=${hostRoot}`,
        `--runtime-endpoint=${endpoint}`,
        `--run-dir=${runDir}`,
        `--state-dir=${stateDir}`,
        "--bind-address=127.0.0.1",
        `--probe-port=${port}`,
      ];
      const child = spawn(process.execPath, [join(folder, "victim.mjs"), String(factor), ...flags], {
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") },
      });
      const gone = once(child, "exit");
      return {
        async kill() {
          if (child.exitCode !== null) throw new Error(`the agent ended by itself with ${child.exitCode}`);
          child.kill("SIGKILL");
          await gone;
        },
      };
    },
  };
}

export interface Remains {
  readonly marker: string;
  readonly journal: string;
}

/** What can be read of an agent's files. */
export async function remainsIn({ runDir, stateDir }: VictimPlace): Promise<Remains> {
  const marker = await readBootMarker(join(runDir, "boot"));
  const journal = await readJournal(join(stateDir, "journal.json"), HOST_RECORD_VERSION, parseHostRecord);
  return {
    marker: marker.kind === "marked" ? marker.bootID : marker.kind,
    journal: journal.kind === "read" ? `read, boot ${journal.record.bootID ?? "none"}` : journal.kind,
  };
}
