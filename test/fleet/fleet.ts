/**
 * A fleet of nodes that three tools reboot, while the webhook, the API server, agents and tools come and go, requests and
 * answers get lost, power fails, and strangers try to undo it all. Time is virtual, everything on the way to the API server
 * is real, and what happens when comes from the seed.
 */
import { shuffled } from "../../bench/figures/shuffle.ts";
import { makeDice } from "../../program/testing/dice.ts";
import type { ApiRequest } from "../scenarios/api-client.ts";
import { nodeFixture } from "../simulated/node-fixture.ts";
import { Books, storedIn, type Counts } from "./books.ts";
import { ControllerTool } from "./controller-tool.ts";
import { DaemonSets } from "./daemon-sets.ts";
import type { FleetCluster } from "./cluster.ts";
import { FleetNode } from "./fleet-node.ts";
import { MARKER, TOOLS, UPGRADER } from "./tools.ts";
import { VirtualTime } from "./virtual-time.ts";
import { Wire } from "./wire.ts";

export interface FleetOptions {
  readonly nodes: number;
  /** How often a tool is told to reboot a node. */
  readonly reboots: number;
  readonly seed: number;
}

export interface FleetResult extends Counts {
  /** The first thing that must not happen and did. */
  readonly violation: string | undefined;
  /** Of the node that this was found on, or of the first that was left behind. */
  readonly history: readonly string[];
  /** Nodes that were locked or cordoned at the end, or with which a tool was not through. */
  readonly leftBehind: readonly string[];
  readonly outages: { readonly api: number; readonly webhook: number };
  readonly crashes: number;
  readonly powerFailures: number;
  /** Requests and answers. */
  readonly lost: number;
  readonly requests: number;
  readonly virtualSeconds: number;
}

/** Between one tool being told to reboot a node and the next. */
const ARRIVAL_MILLIS = 4_000;
/** Nobody needs that long after the last one was told, whatever fails meanwhile. */
const PATIENCE_MILLIS = 3 * 3_600_000;
/** How often two tools want the same node at the same time. */
const TWO_TOOLS = 0.15;
const OUTAGE_EVERY_MILLIS = 80_000;
const MOST_OUTAGE_MILLIS = 30_000;

export async function runFleet(cluster: FleetCluster, options: FleetOptions): Promise<FleetResult> {
  const { nodes: count, reboots, seed } = options;
  const time = new VirtualTime();
  const dice = makeDice(seed);
  const nodes = new Map<string, FleetNode>();
  const readNode = async (name: string): Promise<unknown> => {
    const { status, body } = await cluster.direct.send({ method: "GET", path: `/api/v1/nodes/${name}` });
    if (status !== 200) throw new Error(`read node ${name}: ${status}`);
    return body;
  };
  const books = new Books(
    (name) => {
      const node = nodes.get(name);
      if (node === undefined) throw new Error(`no node ${name}`);
      return node.machine.truth;
    },
    readNode,
    () => time.nowMillis,
  );
  const daemonSets = new DaemonSets();
  const wire = new Wire({
    time,
    send: async (request: ApiRequest) => daemonSets.answer(request) ?? cluster.send(request),
    watch: books.watch,
  });
  const controllers = new Map(
    [UPGRADER, MARKER].map((tool) => [tool.username, new ControllerTool(tool, time)]),
  );
  const nameOf = (index: number): string => `node-${String(index % count).padStart(4, "0")}`;
  for (let index = 0; index < count; index += 1) {
    const body = nodeFixture({ name: nameOf(index) });
    const created = await cluster.direct.send({ method: "POST", path: "/api/v1/nodes", body });
    if (created.status !== 201) throw new Error(`create a node: ${JSON.stringify(created.body)}`);
    books.enter(created.body);
    const parts = { time, wire, books, controllers, other: nameOf(index + 1), seed: seed * 100_003 + index };
    nodes.set(nameOf(index), new FleetNode(created.body, parts));
  }
  let told = 0;
  const order = shuffled([...nodes.values()], dice);
  for (let index = 0; index < reboots; index += 1) {
    const tools = shuffled(TOOLS, dice).slice(0, dice() < TWO_TOOLS ? 2 : 1);
    time.at((index + dice()) * ARRIVAL_MILLIS, () => {
      told += 1;
      for (const tool of tools) order[index % count]?.tell(tool);
    });
  }
  const lastMillis = reboots * ARRIVAL_MILLIS;
  const outages = planOutages(cluster, time, dice, lastMillis);
  const isLeft = ([name, { isBusy }]: readonly [string, FleetNode]): boolean =>
    isBusy || books.stored(name).lock !== undefined;
  await time.run(
    () =>
      books.violation !== undefined ||
      time.nowMillis > lastMillis + PATIENCE_MILLIS ||
      (told === reboots && !outages.isAny && ![...nodes].some(isLeft)),
  );
  const leftBehind: string[] = [];
  for (const [name, node] of nodes) {
    const { lock, cordoned } = storedIn(await readNode(name));
    if (lock !== undefined || cordoned || node.isBusy) leftBehind.push(name);
  }
  const sum = (of: (node: FleetNode) => number): number =>
    [...nodes.values()].reduce((total, node) => total + of(node), 0);
  return {
    ...books.counts,
    violation: books.violation,
    history: books.history(books.violation?.split(":")[0] ?? leftBehind[0] ?? ""),
    leftBehind,
    outages: { api: outages.api, webhook: outages.webhook },
    crashes: sum(({ mishaps }) => mishaps.crashes),
    powerFailures: sum(({ mishaps }) => mishaps.powerFailures),
    lost: wire.losses,
    requests: wire.requests,
    virtualSeconds: Math.round(time.nowMillis / 1_000),
  };
}

interface Outages {
  api: number;
  webhook: number;
  /** Something is away now. */
  isAny: boolean;
}

/** The API server or the webhook goes away now and then, never both: then nothing at all would happen. */
function planOutages(
  cluster: FleetCluster,
  time: VirtualTime,
  dice: () => number,
  lastMillis: number,
): Outages {
  const outages: Outages = { api: 0, webhook: 0, isAny: false };
  let isApi = dice() < 0.5;
  for (let at = OUTAGE_EVERY_MILLIS / 4; at < lastMillis; at += OUTAGE_EVERY_MILLIS * (0.5 + dice())) {
    isApi = !isApi;
    const isApiNow = isApi;
    const millis = 1_000 + dice() * MOST_OUTAGE_MILLIS;
    time.at(at, async () => {
      outages[isApiNow ? "api" : "webhook"] += 1;
      outages.isAny = true;
      await (isApiNow ? cluster.apiAway() : cluster.webhookAway());
    });
    time.at(at + millis, async () => {
      await (isApiNow ? cluster.apiBack() : cluster.webhookBack());
      outages.isAny = false;
    });
  }
  return outages;
}
