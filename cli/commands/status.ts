/** `kubectl nodelatch status`: the locks of nodes, as a table one can look at. */
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
import { tableLine, tableLines, widthsOf } from "../output/table.ts";
import { nodeStateOf, type NodeState } from "../status/node-state.ts";
import { documentOf, header, rowOf } from "../status/view.ts";

/** Between two looks with -w. A watch would be one more connection for a table that people look at. */
const WATCH_MILLIS = 2_000;
/** So many looks that fail in a row end a watch. */
const MOST_FAILURES = 10;

export const status: Command = {
  spec: {
    name: "status",
    summary: "show locks, cordons and boots of nodes",
    details:
      "LOCK is held, rebooted (held, and the node has rebooted since), expired, ghost (expired, and the node is\n" +
      "not ready) or unknown (not stamped by the webhook, so only break-glass ends it). BOOT and LEASES are the\n" +
      "agent's report; old is one of an earlier boot. -w asks every 2 seconds and prints what has changed.",
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
    const wide = format === "wide";
    const isDocument = format === "json" || format === "yaml";
    if (isDocument && args.isSet("watch"))
      throw new UserError(`-o ${format} does not go with -w; use the table`);
    const { kube } = await context.cluster();
    const look = async (): Promise<readonly NodeState[]> => {
      const states = await lookAt(kube, names, context);
      return args.isSet("locked") ? states.filter(({ lock }) => lock !== undefined) : states;
    };
    const states = await look();
    const nowMillis = context.wallMillis() + kube.clockOffsetMillis();
    const { terminal } = context;
    if (isDocument) {
      printDocument(format, "NodeStatusList", { items: states.map(documentOf) }, (text) =>
        terminal.out(text),
      );
      return EXIT.ok;
    }
    const rows = states.map((state) => rowOf(state, wide, nowMillis));
    if (rows.length === 0) terminal.err(args.isSet("locked") ? "no node is locked" : "there are no nodes");
    else for (const line of tableLines(header(wide), rows, terminal)) terminal.out(line);
    if (!args.isSet("watch")) return EXIT.ok;
    return watch(look, states, wide, kube, context);
  },
};

async function watch(
  look: () => Promise<readonly NodeState[]>,
  first: readonly NodeState[],
  wide: boolean,
  kube: KubeConnection,
  context: Context,
): Promise<ExitCode> {
  const { terminal, signal } = context;
  let shown = new Map(first.map((state) => [state.view.name, fingerprint(state)]));
  let failures = 0;
  while (!signal.aborted) {
    await context.sleep(WATCH_MILLIS);
    if (signal.aborted) break;
    let states: readonly NodeState[];
    try {
      states = await look();
      failures = 0;
    } catch (thrown) {
      failures += 1;
      if (failures >= MOST_FAILURES) throw thrown;
      if (failures === 1) terminal.err(`${failureOf(thrown).sentence}; trying again`);
      continue;
    }
    const changed = states.filter((state) => shown.get(state.view.name) !== fingerprint(state));
    const nowMillis = context.wallMillis() + kube.clockOffsetMillis();
    const widths = widthsOf(
      header(wide),
      states.map((state) => rowOf(state, wide, nowMillis)),
    );
    for (const state of changed) terminal.out(tableLine(rowOf(state, wide, nowMillis), widths, terminal));
    const names = new Set(states.map(({ view }) => view.name));
    for (const gone of shown.keys()) if (!names.has(gone)) terminal.out(`${gone} is no longer listed`);
    shown = new Map(states.map((state) => [state.view.name, fingerprint(state)]));
  }
  return EXIT.interrupted;
}

/** Ages pass by themselves: only what somebody changed is news. */
function fingerprint(state: NodeState): string {
  return JSON.stringify(documentOf(state));
}

async function lookAt(
  kube: KubeConnection,
  names: readonly string[],
  { signal, wallMillis, terminal }: Context,
): Promise<readonly NodeState[]> {
  const nodes = names.length === 0 ? await allNodes(kube, signal) : await theseNodes(kube, names, signal);
  const refusals = await refusalsByNode(kube, signal, (text) => terminal.err(text));
  const nowMillis = wallMillis() + kube.clockOffsetMillis();
  return nodes
    .map((node) =>
      nodeStateOf(node, refusals.get(textAt(objectAt(node, "metadata"), "name") ?? ""), nowMillis),
    )
    .toSorted((a, b) => a.view.name.localeCompare(b.view.name));
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
