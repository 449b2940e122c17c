/** One node with its machine and its kured, and what a scenario wants to know of them. */
import { expect } from "vitest";
import { lockOn, type LockRecord } from "../../lock/record.ts";
import { LOCK_ANNOTATION, parseNode, type NodeView } from "../../lock/node.ts";
import { waitFor } from "../cluster/process/wait-for.ts";
import type { ApiAnswer, Identity } from "../scenarios/api-client.ts";
import { nodeInfo, OVERRIDE } from "../scenarios/nodes.ts";
import { KuredPod } from "./kured-pod.ts";
import { Machine } from "./machine.ts";
import { gatedCommand, KURED_NAMESPACE, type KuredOptions } from "./options.ts";
import { fieldsOf, type Fields } from "./requests.ts";
import { KURED_LABEL, type KuredWorld } from "./world.ts";

/** A bound, not an expectation: a cycle takes about 2 s where nothing else runs. */
const DEADLINE_MILLIS = 45_000;

export interface StandPart {
  readonly kured?: Partial<KuredOptions>;
  /** False: kured's token names no node. */
  readonly bound?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

let made = 0;
const run = Date.now().toString(36);

export class Stand {
  readonly world: KuredWorld;
  readonly node: string;
  readonly machine: Machine;
  readonly kured: KuredPod;

  private constructor(world: KuredWorld, kured: KuredPod, machine: Machine) {
    this.world = world;
    this.node = machine.name;
    this.machine = machine;
    this.kured = kured;
  }

  /** kured is not started yet. The DaemonSet must be there. */
  static async make(world: KuredWorld, dsName: string, part: StandPart): Promise<Stand> {
    made += 1;
    const node = `kured-${run}-${made}`;
    await createNode(world, node, dsName, part);
    const machine = new Machine(world.send, node);
    const options: KuredOptions = {
      node,
      dsNamespace: KURED_NAMESPACE,
      dsName,
      startMillis: 100,
      periodMillis: 250,
      rebootDelayMillis: 0,
      drainTimeoutMillis: 0,
      forceReboot: false,
      annotateNodes: false,
      preRebootNodeLabels: {},
      postRebootNodeLabels: {},
      concurrency: 1,
      rebootCommand: gatedCommand("verify", "reboot"),
      ...part.kured,
    };
    const send = await world.podSend(dsName, node, part.bound ?? true);
    const kured = new KuredPod(options, send, machine);
    machine.onPower = async (state) => (state === "off" ? kured.kill() : kured.start());
    return new Stand(world, kured, machine);
  }

  /** A GET right now, as far as the lock is concerned. */
  async view(): Promise<NodeView> {
    return parseNode(await this.#get(), "the node");
  }

  /** All of them, right now. */
  async annotations(): Promise<Fields> {
    return fieldsOf(fieldsOf((await this.#get())["metadata"])["annotations"]);
  }

  async #get(): Promise<Fields> {
    const answer = await this.world.send({ method: "GET", path: `/api/v1/nodes/${this.node}` });
    if (answer.status !== 200) throw new Error(`get node: ${JSON.stringify(answer.body)}`);
    return fieldsOf(answer.body);
  }

  async record(): Promise<LockRecord | undefined> {
    const lock = lockOn(await this.view());
    return lock?.kind === "record" ? lock.record : undefined;
  }

  async patch(as: Identity | undefined, body: unknown, query = ""): Promise<ApiAnswer> {
    const path = `/api/v1/nodes/${this.node}${query}`;
    const contentType = "application/merge-patch+json";
    return this.world.send({ method: "PATCH", path, contentType, body, ...(as === undefined ? {} : { as }) });
  }

  /** Until it is so. @throws Error with kured's log. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const probe = async () => {
      this.check();
      return (await holds())
        ? ({ done: true, value: undefined } as const)
        : ({ done: false, seen: this.kured.log.slice(-8).join("\n") } as const);
    };
    await waitFor(what, probe, { deadlineMillis: DEADLINE_MILLIS, intervalMillis: 50 });
    this.check();
  }

  /** Does that once, right before kured's reboot command would run, however long this takes; waits until it is done. */
  async beforeReboot(act: () => Promise<unknown>): Promise<void> {
    let state: "waiting" | "done" | "failed" = "waiting";
    let failure: unknown;
    this.machine.beforeCommand = async () => {
      try {
        await act();
        state = "done";
      } catch (thrown) {
        failure = thrown;
        state = "failed";
      }
    };
    await this.until("kured to come to its reboot", () => state !== "waiting");
    if (failure !== undefined) throw failure;
  }

  async untilLogged(line: string, times = 1): Promise<void> {
    await this.until(`kured to say ${line} (${times})`, () => this.kured.logged(line) >= times);
  }

  /** Rebooted so often, free again, and kured knows it. */
  async untilDone(reboots = 1): Promise<void> {
    await this.until("the reboot", () => this.machine.reboots.length >= reboots);
    await this.until("lock and cordon to go", async () => {
      const node = await this.view();
      return !node.unschedulable && !node.annotations.has(LOCK_ANNOTATION);
    });
    await this.until("kured to have its answers", () => this.kured.unanswered === 0);
  }

  check(): void {
    const problem = this.kured.problem ?? this.machine.problem;
    if (problem !== undefined) throw new Error("the stand-in is broken", { cause: problem });
  }

  async end(): Promise<void> {
    await this.kured.kill();
    const { send } = this.world;
    const path = `/api/v1/nodes/${this.node}`;
    await this.patch(undefined, { metadata: { annotations: { [OVERRIDE]: "end of the test" } } });
    await send({ method: "DELETE", path });
  }
}

/** A stand with a DaemonSet of its own, ended whatever happens. */
export async function withStand(
  world: KuredWorld,
  part: StandPart,
  act: (stand: Stand) => Promise<void>,
): Promise<void> {
  await withStands(world, [part], async ([stand]) => {
    if (stand !== undefined) await act(stand);
  });
}

/** Nodes that share a DaemonSet, and so kured's own lock. */
export async function withStands(
  world: KuredWorld,
  parts: readonly StandPart[],
  act: (stands: readonly Stand[]) => Promise<void>,
): Promise<void> {
  made += 1;
  const dsName = `kured-${run}-ds${made}`;
  await world.createDaemonSet(dsName);
  const stands: Stand[] = [];
  try {
    for (const part of parts) stands.push(await Stand.make(world, dsName, part));
    await act(stands);
    for (const stand of stands) stand.check();
  } finally {
    for (const stand of stands) await stand.end();
    await world.deleteDaemonSet(dsName);
  }
}

export async function createNode(
  world: KuredWorld,
  name: string,
  dsName: string,
  part: StandPart = {},
): Promise<void> {
  const body = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { [KURED_LABEL]: dsName, ...part.labels },
      annotations: { "node.alpha.kubernetes.io/ttl": "0", ...part.annotations },
    },
    spec: part.spec ?? {},
    status: { nodeInfo: nodeInfo("boot-1"), allocatable: { pods: "110" }, capacity: { pods: "110" } },
  };
  const answer = await world.send({ method: "POST", path: "/api/v1/nodes", body });
  expect(answer, "create node").toMatchObject({ status: 201 });
}
