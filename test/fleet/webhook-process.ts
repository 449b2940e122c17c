/** The webhook's program, one process after the other: killed, and replaced by one that was started meanwhile. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../bench/process/free-port.ts";

const MAIN = fileURLToPath(new URL("../../webhook/main.ts", import.meta.url));
const READY_MILLIS = 60_000;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ready: Promise<void>;
}

export class WebhookProcess {
  /** Where it serves; undefined while it is away. */
  port: number | undefined;
  /** What all of them have said last. */
  readonly lines: string[] = [];
  readonly #flags: readonly string[];
  #current: Started | undefined;

  constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  /** Returns at once; `up` waits for it. */
  async begin(): Promise<void> {
    const [port = 0, probePort = 0] = await freePorts(2);
    const flags = [...this.#flags, `--port=${port}`, `--probe-port=${probePort}`];
    const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", "pipe", "pipe"], env: {} });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        this.lines.push(line);
        if (this.lines.length > 30) this.lines.shift();
      });
    }
    const ready = this.#untilReady(child, `http://127.0.0.1:${probePort}/readyz`);
    ready.catch(() => undefined);
    this.#current = { child, port, ready };
  }

  /** @throws Error with its last words if it does not get ready. */
  async up(): Promise<void> {
    await this.#current?.ready;
    this.port = this.#current?.port;
  }

  /** By SIGKILL. */
  async kill(): Promise<void> {
    this.port = undefined;
    const child = this.#current?.child;
    this.#current = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async #untilReady(child: ChildProcess, url: string): Promise<void> {
    const end = performance.now() + READY_MILLIS;
    while (performance.now() < end && child.exitCode === null && child.signalCode === null) {
      const asked = AbortSignal.timeout(2_000);
      if (
        await fetch(url, { signal: asked }).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the webhook does not get ready; its last words:\n${this.lines.join("\n")}`);
  }
}
