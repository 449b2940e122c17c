/** The agent's program, bundled as in the image, in a machine's own namespaces. */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { fields } from "../../cluster/config/plan.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import type { Machine } from "./machine.ts";

export interface AgentRemoval {
  readonly pod: string;
  readonly attempt: number;
  readonly rule: string;
  readonly outcome: string;
}

export interface MachineAgent {
  /** What it removed, or tried to, so far, from its log. */
  removals(): Promise<readonly AgentRemoval[]>;
  readyz(): Promise<string>;
  /** Returns when it has looked at all leases and caches, and remembers what it saw. */
  looked(): Promise<void>;
  /** SIGTERM; returns when it is gone. */
  stop(): Promise<void>;
}

/** Name of the bundle in the cluster's folder. */
export const agentBundle = "agent.mjs";
const logFile = "/var/log/nodelatch-agent.log";

/** Starts it as a service would, with these flags besides; its log begins anew. */
export async function startAgent(machine: Machine, ...more: readonly string[]): Promise<MachineAgent> {
  const program = join(machine.cluster.info.workFolder, agentBundle);
  const start = 'setsid "$@" > "$0" 2>&1 < /dev/null & echo $!';
  const flags = [
    "run",
    "--by-hand=true",
    "--api=off",
    "--bind-address=127.0.0.1",
    `--node-name=${machine.name}`,
    ...more,
  ];
  const pid = (await machine.shell(start, logFile, process.execPath, program, ...flags)).trim();
  const ask = 'exec "$0" -e "fetch(process.argv[1]).then(async (a) => console.log(await a.text()))" "$1"';
  const get = async (path: string) => machine.shell(ask, process.execPath, `http://127.0.0.1:9478${path}`);
  const readyz = async () => get("/readyz?verbose");
  await waitFor(
    `${machine.name}: the agent to answer`,
    async () => {
      await readyz();
      return { done: true, value: undefined };
    },
    { deadlineMillis: 60_000 },
  );
  return {
    readyz,
    async looked() {
      await waitFor(
        `${machine.name}: the agent to look at the leases`,
        async () => {
          const passes = (await get("/metrics")).match(/^nodelatch_agent_cni_passes_total.*$/gm) ?? [];
          const isDone = passes.some((line) => /\{result="done"\} [1-9]/.test(line));
          return isDone ? { done: true, value: undefined } : { done: false, seen: passes.join(", ") };
        },
        { deadlineMillis: 60_000 },
      );
    },
    async removals() {
      // The last line may be half written.
      const lines = (await machine.shell('cat "$0"', logFile)).split("\n").slice(0, -1);
      return lines.flatMap((line) => {
        const raw: unknown = JSON.parse(line);
        const said = fields(raw, "log line");
        if (said["msg"] !== "stuck container") return [];
        const { pod, attempt, rule, outcome } = said;
        return [{ pod: String(pod), attempt: Number(attempt), rule: String(rule), outcome: String(outcome) }];
      });
    },
    async stop() {
      await machine.shell('kill "$0"', pid);
      for (let tries = 0; tries < 100; tries++) {
        const left = await machine.shell('kill -0 "$0" 2> /dev/null && echo there || true', pid);
        if (left.trim() === "") return;
        await sleep(100);
      }
      throw new Error(`${machine.name}: the agent did not end within 10 s of a SIGTERM`);
    },
  };
}
