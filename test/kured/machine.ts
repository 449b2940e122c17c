/**
 * The computer behind a Node object that has none: it wants a reboot, knows the commands `verify` and `reboot`, and
 * comes back with a new boot ID. Its `verify` is the gate itself, asked for the boot that runs.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { failureOfStatus, KubeError } from "../../kube/failure.ts";
import { askGate } from "../../kube/gate-facts.ts";
import { gateWords } from "../../lock/gate.ts";
import { LOCK, nodeInfo, patchNode } from "../scenarios/nodes.ts";
import { kubelet } from "../scenarios/world.ts";
import type { HostResult, KuredHost } from "./kured.ts";
import { fieldsOf, type Send } from "./requests.ts";

const GATE_MILLIS = 10_000;
const BOOT_MILLIS = 150;

/** The node at the moment at which its machine went down. */
export interface RebootSeen {
  readonly lock: string | undefined;
  readonly cordoned: boolean;
  readonly pods: readonly string[];
}

export class Machine implements KuredHost {
  readonly name: string;
  readonly reboots: RebootSeen[] = [];
  /** What the gate said each time, in its words. */
  readonly gate: string[] = [];
  bootID = "boot-1";
  rebootRequired = true;
  /** Called once, at the end of kured's delay: its command runs next. */
  beforeCommand: (() => Promise<void>) | undefined;
  /** Called while the power is off, and when it is on again. */
  onPower: (state: "off" | "on") => Promise<void> = async () => {};
  /** Set if the machine itself is broken. */
  problem: unknown;
  readonly #send: Send;

  constructor(send: Send, name: string) {
    this.#send = send;
    this.name = name;
  }

  readonly needsReboot = async (): Promise<boolean> => Promise.resolve(this.rebootRequired);

  readonly run = async (words: readonly string[], signal: AbortSignal): Promise<HostResult> => {
    const { beforeCommand } = this;
    this.beforeCommand = undefined;
    await beforeCommand?.();
    const [program, flag, script = ""] = words;
    if (program !== "/bin/sh" || flag !== "-c") return this.#command(words, signal);
    let out = "";
    for (const command of script.split(" && ")) {
      const done = await this.#command(command.split(" "), signal);
      if (done.code !== 0) return done;
      out += done.out;
    }
    return { code: 0, out };
  };

  async #command(words: readonly string[], signal: AbortSignal): Promise<HostResult> {
    const [name = "", ...args] = words;
    if (name === "verify") return this.#verify(args, signal);
    if (name === "exit") return { code: Number(args[0]), out: "" };
    if (name !== "reboot") return { code: 127, out: `${name}: not found` };
    // As systemctl does, it returns at once.
    void this.#reboot().catch((thrown: unknown) => {
      this.problem = thrown;
    });
    return { code: 0, out: "" };
  }

  async #verify(args: readonly string[], signal: AbortSignal): Promise<HostResult> {
    const [flag, holder, ...rest] = args;
    // As the script does: without a shell kured hands `&&` over.
    if (flag !== "--holder" || rest.length > 0)
      return { code: 64, out: `unknown arguments ${args.join(" ")}` };
    const verdict = await askGate(
      {
        request: async ({ doing, path, query }) => this.#get(doing, path, query),
        clockOffsetMillis: () => 0,
      },
      {
        nodeName: this.name,
        runningBootID: this.bootID,
        holder,
        wallMillis: () => Date.now(),
        signal: AbortSignal.any([signal, AbortSignal.timeout(GATE_MILLIS)]),
      },
    );
    const out = gateWords(verdict);
    this.gate.push(out);
    return { code: verdict.kind === "open" ? 0 : 1, out };
  }

  async #reboot(): Promise<void> {
    const node = await this.#get("read", `/api/v1/nodes/${this.name}`);
    const lock = fieldsOf(fieldsOf(fieldsOf(node)["metadata"])["annotations"])[LOCK];
    const list = await this.#get("list", "/api/v1/pods", { fieldSelector: `spec.nodeName=${this.name}` });
    const { items } = fieldsOf(list);
    this.reboots.push({
      lock: typeof lock === "string" ? lock : undefined,
      cordoned: fieldsOf(fieldsOf(node)["spec"])["unschedulable"] === true,
      pods: Array.isArray(items)
        ? items.map((item) => String(fieldsOf(fieldsOf(item)["metadata"])["name"]))
        : [],
    });
    await this.onPower("off");
    this.rebootRequired = false;
    await delay(BOOT_MILLIS);
    await this.boot();
    await this.onPower("on");
  }

  /** Up again, in another boot, as its kubelet reports. */
  async boot(): Promise<void> {
    this.bootID = randomUUID();
    const world = { send: this.#send, webhookCalls: async () => Promise.resolve(0), writesOfEachKind: 0 };
    const body = { status: { nodeInfo: nodeInfo(this.bootID) } };
    const answer = await patchNode(world, this.name, kubelet(this.name), body, { subresource: "status" });
    if (answer.status !== 200) throw new Error(`report the boot ID: ${JSON.stringify(answer.body)}`);
  }

  async #get(doing: string, path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const asked = new URLSearchParams(query).toString();
    const answer = await this.#send({ method: "GET", path: asked === "" ? path : `${path}?${asked}` });
    const failure = failureOfStatus(answer.status, answer.body, {});
    if (failure !== undefined) throw new KubeError(doing, failure);
    return answer.body;
  }
}
