/** kured's pod as a kubelet keeps it: started again whenever it has exited, killed when its machine loses power. */
import { realTime } from "../../daemonset/host/time.ts";
import { runKured, type KuredEnd, type KuredHost } from "./kured.ts";
import type { KuredOptions } from "./options.ts";
import type { Send, Sent } from "./requests.ts";

/** The kubelet's first back-off is 10 s; what happens in it is nothing. */
const RESTART_MILLIS = 100;

export class KuredPod {
  /** Of the next start. */
  options: KuredOptions;
  /** Every exit of its own accord, oldest first. */
  readonly exits: Extract<KuredEnd, { kind: "exited" }>[] = [];
  readonly sent: Sent[] = [];
  readonly log: string[] = [];
  /** Set if the stand-in itself is broken. */
  problem: unknown;
  /** Requests on their way: what they did may be seen before kured has their answer. */
  unanswered = 0;
  readonly #send: Send;
  readonly #host: KuredHost;
  #stop: AbortController | undefined;
  #life: Promise<void> = Promise.resolve();

  constructor(options: KuredOptions, send: Send, host: KuredHost) {
    this.options = options;
    this.#send = async (request) => {
      this.unanswered += 1;
      try {
        return await send(request);
      } finally {
        this.unanswered -= 1;
      }
    };
    this.#host = host;
  }

  start(): void {
    if (this.#stop !== undefined) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#life = this.#live(stop.signal).catch((thrown: unknown) => {
      this.problem = thrown;
    });
  }

  /** As by SIGKILL. Resolves when nothing of it is left; it does not come back by itself. */
  async kill(): Promise<void> {
    this.#stop?.abort(new Error("killed"));
    this.#stop = undefined;
    await this.#life;
  }

  /** Killed, and started again by the kubelet. */
  async restart(): Promise<void> {
    await this.kill();
    this.start();
  }

  /** How often a line that begins so was logged. */
  logged(beginning: string): number {
    return this.log.filter((line) => line.startsWith(beginning)).length;
  }

  /** What was sent to the API server's nodes, reads left out, in few words. */
  nodeWrites(): readonly string[] {
    return this.sent
      .filter(({ method, path }) => method !== "GET" && path.startsWith("/api/v1/nodes/"))
      .map(({ method, body, status }) => `${method} ${wordsOf(body)} ${status}`);
  }

  async #live(signal: AbortSignal): Promise<void> {
    const parts = {
      send: this.#send,
      host: this.#host,
      time: realTime,
      onSent: (sent: Sent) => void this.sent.push(sent),
      log: (line: string) => void this.log.push(line),
    };
    for (;;) {
      const end = await runKured(this.options, parts, signal);
      if (end.kind === "killed") return;
      this.exits.push(end);
      await realTime.sleep(RESTART_MILLIS, signal);
    }
  }
}

function wordsOf(body: unknown): string {
  const isWholeNode = typeof body === "object" && body !== null && "kind" in body;
  return isWholeNode ? "whole node" : JSON.stringify(body);
}
