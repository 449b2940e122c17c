/** Passes over a node's files with a runtime, a clock and a boot that do what a test says. */
import { join } from "node:path";
import type { StopResult } from "../../runtime/runtime.ts";
import type { Liveness } from "../liveness/liveness.ts";
import { Memory } from "../memory/memory.ts";
import { makeMemoryStore } from "../memory/store.ts";
import { runCniPass } from "../pass/pass.ts";
import type { CniReport, NetworkReport } from "../report/report.ts";
import { DEFAULT_CNI_SETTINGS, type CniSettings } from "../settings.ts";
import { FakeApply } from "./fake-apply.ts";
import { cacheText } from "./cache-text.ts";
import { NETWORK_PATH, NodeFiles } from "./node-files.ts";
import { proven, sandboxID, type Alive } from "./proven.ts";

export const LIVE = sandboxID(1);
export const DEAD = sandboxID(2);

export class CniPassKit {
  readonly files = new NodeFiles();
  settings: CniSettings = DEFAULT_CNI_SETTINGS;
  /** What lives. Looked at each time that somebody asks. */
  alive: Alive = {};
  /** Set: nothing is proven. */
  unproven: string | undefined;
  /** Called at each question, with how many came before it. */
  onProve: (before: number) => void = () => {};
  nowMillis = 1_000_000;
  bootID: string | undefined = "boot-1";
  repairObstacle: string | undefined;
  stop: (id: string) => StopResult = () => ({ kind: "stopped" });
  readonly stopped: string[] = [];
  readonly apply = new FakeApply(async () => this.#prove(), join(this.files.root, "quarantine"));
  readonly lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  proofs = 0;
  readonly stops = new Map<string, number>();
  #memory: Memory | undefined;

  close(): void {
    this.files.close();
  }

  /** Two pods: one runs, the other has been listed in a pass and is nowhere after it. */
  async onePodGone(): Promise<void> {
    const { files } = this;
    files.lease("10.42.0.2", LIVE);
    files.cache(LIVE, ["10.42.0.2"]);
    files.lease("10.42.0.3", DEAD);
    files.cache(DEAD, ["10.42.0.3"]);
    files.write(
      `/var/lib/cni/results/cni-loopback-${DEAD}-lo`,
      cacheText({ id: DEAD, network: "cni-loopback" }),
    );
    files.write(`/var/lib/cni/flannel/${DEAD}`, "{}");
    files.write(`${NETWORK_PATH}/last_reserved_ip.0`, "10.42.0.3");
    files.write(`${NETWORK_PATH}/lock`, "");
    this.alive = { ready: [LIVE, DEAD] };
    await this.pass();
    this.alive = { ready: [LIVE] };
  }

  /** The agent starts again: what it did not write down is lost. */
  restart(): void {
    this.#memory = undefined;
    this.stops.clear();
  }

  reboot(bootID: string): void {
    this.restart();
    this.bootID = bootID;
  }

  async #prove(): Promise<Liveness> {
    this.onProve(this.proofs);
    this.proofs += 1;
    return this.unproven === undefined ? proven(this.alive) : { kind: "unproven", reason: this.unproven };
  }

  async pass(more: { readonly acts?: boolean; readonly signal?: AbortSignal } = {}): Promise<CniReport> {
    const { acts = true, signal = new AbortController().signal } = more;
    const store = makeMemoryStore({ path: join(this.files.root, "state/leases.json"), readOnly: !acts });
    if (this.#memory === undefined) {
      const loaded = await store.load();
      this.#memory = new Memory(loaded.kind === "read" ? loaded.record : undefined, this.bootID);
    }
    const request = {
      hostRoot: this.files.root,
      settings: this.settings,
      memory: this.#memory,
      store,
      stops: this.stops,
    };
    const ports = {
      prove: async () => this.#prove(),
      apply: acts ? this.apply : undefined,
      quarantine: undefined,
      stopSandbox: async (id: string) => {
        this.stopped.push(id);
        return this.stop(id);
      },
      repairObstacle: () => this.repairObstacle,
      monotonicMillis: () => this.nowMillis,
      wallMillis: () => 0,
      log: {
        info: (fields: Readonly<Record<string, unknown>>, message: string) =>
          void this.lines.push({ message, fields }),
        warn: (fields: Readonly<Record<string, unknown>>, message: string) =>
          void this.lines.push({ message, fields }),
      },
    };
    return runCniPass(request, ports, signal);
  }
}

/** Of the only network. */
export function onlyNetwork({ networks }: CniReport): NetworkReport {
  const [network, ...more] = networks;
  if (network === undefined || more.length > 0) throw new Error(`${networks.length} networks; expected one`);
  return network;
}
