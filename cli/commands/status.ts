/** `kubectl nodelatch status`: the locks of nodes, as a table one can look at. */
import { parseNode } from "../../lock/node.ts";
import { lockOn } from "../../lock/record.ts";
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { failureOf } from "../../kube/failure.ts";
import { isObject, objectAt, textAt, type JsonObject } from "../../kube/json.ts";
import type { Command, Context } from "../command.ts";
import { listNodeEvents, type NodeEvent } from "../events.ts";
import { EXIT, UserError, type ExitCode } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { listAll } from "../lists.ts";
import { nodeName } from "../node-name.ts";
import { printDocument } from "../output/document.ts";
import { Holders } from "../status/holders.ts";
import { nodeStateOf, type NodeState } from "../status/node-state.ts";
import { StatusTable } from "../status/status-table.ts";
import { documentOf } from "../status/view.ts";

/** Between two looks with -w. A watch would be one more connection for a table that people look at. */
const WATCH_MILLIS = 2_000;
/** So many looks that fail in a row end a watch. */
const MOST_FAILURES = 10;

export const status: Command = {
  spec: {
    name: "status",
    summary: "show locks, cordons and boots of nodes",
    details:
      "LOCK is held, rebooted (held, and the node has rebooted since), expired, unknown (not stamped by the\n" +
      "webhook, so only break-glass ends it) or ghost: nobody seems to come back to it, as its holder is gone,\n" +
      "its node has been away or back from its reboot for 15 minutes, or is another one. Nothing frees a ghost by\n" +
      "itself. BOOT and LEASES are the agent's report; old is one of an earlier boot. -w asks every 2 seconds and\n" +
      "prints what has changed.",
    positionals: { shown: "[NODE...]", least: 0, most: 1_000, complete: "nodes" },
    options: [
      { name: "locked", help: "only nodes with a lock" },
      { name: "watch", short: "w", help: "go on, and print each node that changes" },
      {
        name: "output",
        short: "o",
        value: "FORMAT",
        choices: ["wide", "json", "yaml"],
        help: "more, or for programs",
      },
    ],
    examples: [
      [`${CALLED} status`, "all nodes"],
      [`${CALLED} status --locked -o wide`, "who has locked what, and why"],
      [`${CALLED} status worker-1 -w`, "watch a node being rebooted"],
    ],
  },
  async run(args, context) {
    const names = args.positionals.map(nodeName);
    const format = args.text("output") ?? "table";
    const isDocument = format === "json" || format === "yaml";
    if (isDocument && args.isSet("watch"))
      throw new UserError(`-o ${format} does not go with -w; use the table`);
    const { kube } = await context.cluster();
    const holders = new Holders(kube, context.monotonicMillis);
    const warnOnce = once((text) => context.terminal.err(text));
    const look = async (): Promise<readonly NodeState[]> => {
      const states = await lookAt(kube, { names, holders, warnOnce }, context);
      return args.isSet("locked") ? states.filter(({ lock }) => lock !== undefined) : states;
    };
    const states = await look();
    const { terminal } = context;
    if (isDocument) {
      printDocument(format, "NodeStatusList", { items: states.map(documentOf) }, (text) =>
        terminal.out(text),
      );
      return EXIT.ok;
    }
    if (states.length === 0) terminal.err(args.isSet("locked") ? "no node is locked" : "there are no nodes");
    const table = new StatusTable(terminal, format === "wide");
    const now = (): number => context.wallMillis() + kube.clockOffsetMillis();
    table.print(states, now());
    return args.isSet("watch") ? watch(look, (later) => table.print(later, now()), context) : EXIT.ok;
  },
};

async function watch(
  look: () => Promise<readonly NodeState[]>,
  show: (states: readonly NodeState[]) => void,
  { terminal, signal, sleep }: Context,
): Promise<ExitCode> {
  let failures = 0;
  while (!signal.aborted) {
    await sleep(WATCH_MILLIS);
    if (signal.aborted) break;
    try {
      show(await look());
      failures = 0;
    } catch (thrown) {
      failures += 1;
      if (failures >= MOST_FAILURES) throw thrown;
      if (failures === 1) terminal.err(`${failureOf(thrown).sentence}; trying again`);
    }
  }
  return EXIT.interrupted;
}

interface Ask {
  readonly names: readonly string[];
  readonly holders: Holders;
  readonly warnOnce: (text: string) => void;
}

async function lookAt(
  kube: KubeConnection,
  { names, holders, warnOnce }: Ask,
  { signal, wallMillis }: Context,
): Promise<readonly NodeState[]> {
  const nodes = names.length === 0 ? await allNodes(kube, signal) : await theseNodes(kube, names, signal);
  const refusals = await refusalsByNode(kube, signal, warnOnce);
  const locks = nodes.map((node) => lockOn(parseNode(node, "the node")));
  const records = locks.flatMap((lock) => (lock?.kind === "record" ? [lock.record] : []));
  const holderOf = await holders.of(records, signal);
  const nowMillis = wallMillis() + kube.clockOffsetMillis();
  return nodes
    .map((node) => {
      const lastRefusal = refusals.get(textAt(objectAt(node, "metadata"), "name") ?? "");
      return nodeStateOf(node, { lastRefusal, holderOf, nowMillis });
    })
    .toSorted((a, b) => a.view.name.localeCompare(b.view.name));
}

function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
}

async function allNodes(kube: KubeConnection, signal: AbortSignal): Promise<readonly JsonObject[]> {
  return listAll(kube, {
    doing: "list Nodes",
    path: apiPath("api", "v1", "nodes"),
    kind: "NodeList",
    signal,
  });
}

async function theseNodes(
  kube: KubeConnection,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for (const name of new Set(names)) {
    const call = {
      doing: `read Node ${name}`,
      method: "GET",
      path: apiPath("api", "v1", "nodes", name),
      signal,
    } as const;
    const node = await kube.request(call).catch((thrown: unknown) => {
      if (failureOf(thrown).kind !== "not-found") throw thrown;
      throw new UserError(
        `node ${name} does not exist; kubectl get nodes shows which do`,
        EXIT.refused,
        thrown,
      );
    });
    if (isObject(node)) found.push(node);
  }
  return found;
}

/** The latest of each node. Who may not list Events gets the table without them. */
async function refusalsByNode(
  kube: KubeConnection,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<ReadonlyMap<string, NodeEvent>> {
  try {
    const events = await listNodeEvents(kube, { reason: "UncordonRefused" }, signal);
    return new Map(events.map((event) => [event.node, event]));
  } catch (thrown) {
    if (failureOf(thrown).kind !== "forbidden") throw thrown;
    warn("LAST REFUSAL is not known: you may not list events in namespace default");
    return new Map();
  }
}
