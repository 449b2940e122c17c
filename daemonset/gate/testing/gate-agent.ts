/** The agent's side of the gate in a folder, with a judge that says what a test wants. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GateVerdict } from "../../../lock/gate.ts";
import { realTime } from "../../host/time.ts";
import { captureLog, until } from "../../testing/agent-kit.ts";
import { gateFolder } from "../folder.ts";
import { PROTOCOL, type Answer } from "../question.ts";
import { makeGateServer, type GateServer } from "../server.ts";
import { bootID, Host, removeHosts, uptime } from "./asker.ts";

export const BOOT = bootID();
export const NONCE = "0a1b2c3d-0000-4000-8000-000000000001";

const stops: (() => Promise<void>)[] = [];

/** For afterAll; not after each test, as they run side by side: most of their time is waiting. */
export async function stopAgents(): Promise<void> {
  for (const stop of stops) await stop();
  removeHosts();
}

export class Agent {
  readonly host: Host;
  readonly server: GateServer;
  readonly answers: Answer[] = [];
  readonly log = captureLog();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  asked = 0;

  constructor(
    judge: (signal: AbortSignal, look: number) => Promise<GateVerdict> | GateVerdict,
    { host = new Host(), boot = BOOT, now = uptime }: { host?: Host; boot?: string; now?: () => number } = {},
  ) {
    this.host = host;
    this.server = makeGateServer({
      folder: gateFolder(host.runDir, host.scriptText()),
      judge: async ({ bootID: seen }, signal) => {
        if (seen !== boot) throw new Error(`asked about boot ${seen}`);
        this.asked += 1;
        return judge(signal, this.asked);
      },
      readBootID: async () =>
        boot === "" ? { kind: "unknown", reason: "no boot id" } : { kind: "known", bootID: boot },
      readUptime: async () => now(),
      onAnswer: (answer) => this.answers.push(answer),
      time: realTime,
      log: this.log.log,
    });
    this.#ended = this.server.run(this.#stop.signal);
    stops.push(async () => this.stop());
  }

  async up(): Promise<this> {
    await until(() => this.server.state().kind === "serving" && existsSync(this.host.script));
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

/** A question as the script writes it. */
export function question(
  part: { nonce?: string; boot?: string; askedAt?: number; wait?: number } = {},
): string {
  const { nonce = NONCE, boot = BOOT, askedAt = uptime(), wait = 0 } = part;
  return `${PROTOCOL} ${nonce} ${boot} ${askedAt} ${wait} -\nend ${nonce}\n`;
}

export async function answerTo({ host }: Agent, nonce = NONCE): Promise<string> {
  const file = join(host.folder, `${nonce}.answer`);
  await until(() => existsSync(file));
  return readFile(file, "utf8");
}
