/** A computer, its kubelet and its agent, as far as a reboot is concerned. */
import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { agentApi } from "../../daemonset/kube-api.ts";
import { makeRelease } from "../../daemonset/release/release.ts";
import { askGate } from "../../kube/gate-facts.ts";
import type { Truth } from "./judge.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { connectionOver, type Send } from "./wire.ts";

export interface MachineParts {
  readonly time: VirtualTime;
  readonly dice: () => number;
  readonly kubelet: Send;
  readonly agent: Send;
  /** Told when the power goes, before anything else; it may look at what is stored then. */
  readonly onReboot: (toolUser: string) => Promise<void>;
  /** Called when pods may run again. */
  readonly onBooted: () => void;
}

const KUBELET_RETRY_MILLIS = 5_000;
/** As the agent does while nothing waits. */
const QUIET_MILLIS = 900_000;
const AGENT_RETRY_MILLIS = 5_000;
const silent = pino({ level: "silent" });

export class Machine {
  readonly name: string;
  readonly uid: string;
  bootID: string;
  /** Users of the tools that have been told to reboot it, and have not yet. */
  readonly wantedBy = new Set<string>();
  #isClean = true;
  /** Ends everything that runs on it. */
  #power = new AbortController();
  #agentLife = new AbortController();
  #bootedAtMillis = performance.now();
  readonly #parts: MachineParts;

  constructor(name: string, uid: string, bootID: string, parts: MachineParts) {
    this.name = name;
    this.uid = uid;
    this.bootID = bootID;
    this.#parts = parts;
  }

  get truth(): Truth {
    const { name, uid, bootID } = this;
    return { name, uid, bootID, isClean: this.#isClean };
  }

  /** Aborts when the power goes. */
  get power(): AbortSignal {
    return this.#power.signal;
  }

  /** Whether `/run/nodelatch/verify --holder USER` exits with 0. */
  async mayReboot(holder: string, signal: AbortSignal): Promise<boolean> {
    const question = {
      nodeName: this.name,
      runningBootID: this.bootID,
      holder,
      wallMillis: () => Date.now(),
      signal,
    };
    const { power } = this;
    try {
      const { kind } = await askGate(connectionOver(this.#parts.agent), question);
      // An answer that comes after the power has gone is heard by nobody.
      return kind === "open" && !power.aborted;
    } catch {
      // No answer keeps it shut.
      return false;
    }
  }

  /** `systemctl reboot`: it takes a moment. */
  reboot(toolUser: string): void {
    const { time, dice, onReboot } = this.#parts;
    const { power } = this;
    time.after(dice() * 3_000, async () => {
      if (power.aborted) return;
      await onReboot(toolUser);
      this.wantedBy.delete(toolUser);
      this.cutPower();
    });
  }

  cutPower(): void {
    const { time, dice } = this.#parts;
    this.#power.abort(new Error("the power is off"));
    this.#power = new AbortController();
    this.bootID = randomUUID();
    this.#isClean = false;
    this.#bootedAtMillis = performance.now();
    const { power } = this;
    const later = (millis: number, act: () => void): void => {
      time.after(millis, () => {
        if (!power.aborted) act();
      });
    };
    const bootMillis = 20_000 + dice() * 40_000;
    later(bootMillis, () => void this.#report(power));
    later(bootMillis + dice() * 20_000, () => this.startAgent());
    later(bootMillis + 5_000 + dice() * 60_000, () => {
      this.#isClean = true;
    });
    later(bootMillis + dice() * 20_000, () => this.#parts.onBooted());
  }

  /** As a kubelet: boot and readiness in one update, until it is through. */
  async #report(power: AbortSignal): Promise<void> {
    const { time, kubelet } = this.#parts;
    const { bootID } = this;
    const now = new Date().toISOString();
    const ready = { type: "Ready", status: "True", reason: "KubeletReady", message: "ready" };
    const conditions = [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }];
    while (!power.aborted) {
      try {
        const { status } = await kubelet({
          method: "PATCH",
          path: `/api/v1/nodes/${this.name}/status`,
          contentType: "application/strategic-merge-patch+json",
          body: { status: { nodeInfo: { bootID }, conditions } },
        });
        if (status === 200) return;
      } catch {
        // The API server is away.
      }
      await time.sleep(KUBELET_RETRY_MILLIS, power);
    }
  }

  /** Starts it, or kills it and starts it again. */
  startAgent(): void {
    this.#agentLife.abort(new Error("killed"));
    this.#agentLife = new AbortController();
    void this.#runAgent(AbortSignal.any([this.power, this.#agentLife.signal]));
  }

  async #runAgent(signal: AbortSignal): Promise<void> {
    const { time, dice, agent } = this.#parts;
    const { bootID } = this;
    const api = agentApi(connectionOver(agent), { nodeName: this.name, instance: "agent" });
    const release = makeRelease({
      bootID: { kind: "known", bootID },
      readBootAge: async () => Promise.resolve(performance.now() - this.#bootedAtMillis),
      unclean: () => (this.#isClean ? undefined : "the passes after this boot are under way"),
      offer: () => {},
      random: dice,
      log: silent,
    });
    while (!signal.aborted) {
      let pauseMillis = QUIET_MILLIS;
      try {
        const node = await api.readNode(signal);
        signal.throwIfAborted();
        if (node !== undefined) pauseMillis = (await release.look(api, node, signal)) ?? QUIET_MILLIS;
      } catch {
        pauseMillis = AGENT_RETRY_MILLIS;
      }
      await time.sleep(pauseMillis, signal);
    }
  }
}
