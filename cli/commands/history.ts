/** `kubectl nodelatch history NODE`: what happened to it, from its Events and from what is kept on the node. */
import { isObject, textAt } from "../../kube/json.ts";
import { LAST_OVERRIDE_ANNOTATION, type NodeView } from "../../lock/node.ts";
import { lockOn } from "../../lock/record.ts";
import { readRequestedUncordon, UNCORDON_REQUESTED_ANNOTATION } from "../../lock/requested-uncordon.ts";
import type { Command } from "../command.ts";
import { listNodeEvents, type NodeEvent } from "../events.ts";
import { EXIT } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { readNode } from "../locked-node.ts";
import { nodeName } from "../node-name.ts";
import { FORMATS, printDocument } from "../output/document.ts";
import { tableLines } from "../output/table.ts";
import { age } from "../output/time.ts";

export const history: Command = {
  spec: {
    name: "history",
    summary: "show what happened to a node: refusals, break-glass, the agent's work",
    details: "Events live for an hour, by default of the API server; what is kept on the node stays.",
    positionals: { shown: "NODE", least: 1, most: 1, complete: "nodes" },
    options: [
      { name: "all", help: "also Events that Nodelatch did not write" },
      { name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" },
    ],
    examples: [
      [`${CALLED} history worker-1`, "who tried what on worker-1"],
      [`${CALLED} history worker-1 --all -o json`, "with kubelet's and everybody's Events"],
    ],
  },
  async run(args, { cluster, terminal, signal, wallMillis }) {
    const name = nodeName(args.first);
    const { kube } = await cluster();
    const node = await readNode(kube, name, signal);
    const events = await listNodeEvents(kube, { "involvedObject.name": name }, signal);
    const ours = args.isSet("all")
      ? events
      : events.filter(({ component }) => component.startsWith("nodelatch"));
    const entries = [...ours.map(entryOfEvent), ...entriesOfNode(node)].toSorted((a, b) =>
      a.at.localeCompare(b.at),
    );
    const format = args.text("output");
    if (format !== undefined) {
      printDocument(format, "NodeHistory", { node: name, items: entries }, (text) => terminal.out(text));
      return EXIT.ok;
    }
    if (entries.length === 0) {
      terminal.err(`nothing is known of node ${name}`);
      return EXIT.ok;
    }
    const nowMillis = wallMillis() + kube.clockOffsetMillis();
    const rows = entries.map(({ at, type, reason, count }) => [
      `${age(at, nowMillis)} ago`,
      { text: type, ...(type === "Warning" ? { color: "yellow" as const } : {}) },
      reason,
      count > 1 ? `x${count}` : "",
    ]);
    const lines = tableLines(["WHEN", "TYPE", "REASON", "COUNT"], rows, terminal);
    // Messages are sentences: they get the rest of the line, whole.
    const widest = Math.max(...lines.map((line) => visible(line)));
    for (const [index, line] of lines.entries()) {
      const message = index === 0 ? "MESSAGE" : (entries[index - 1]?.message ?? "");
      terminal.out(`${line}${" ".repeat(widest - visible(line))}   ${message}`);
    }
    return EXIT.ok;
  },
};

interface Entry {
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly count: number;
  readonly from: string;
  readonly message: string;
}

function entryOfEvent({ lastAt, type, reason, count, component, message }: NodeEvent): Entry {
  return { at: lastAt, type, reason, count, from: component, message };
}

/** What the node itself carries. */
function entriesOfNode(node: NodeView): readonly Entry[] {
  const entries: Entry[] = [];
  const kept = (at: string, reason: string, message: string): void => {
    entries.push({ at, type: "Normal", reason, count: 1, from: "annotation", message });
  };
  const lock = lockOn(node);
  if (lock?.kind === "record") {
    const { holder, reason, acquiredAt } = lock.record;
    kept(acquiredAt, "Locked", `by ${holder}${reason === "" ? "" : `: ${reason}`}`);
  }
  const refused = readRequestedUncordon(node.annotations.get(UNCORDON_REQUESTED_ANNOTATION) ?? "");
  if (refused !== undefined) {
    kept(refused.at, "UncordonKept", `by ${refused.by}, refused; carried out when the lock goes`);
  }
  const broken = jsonOf(node.annotations.get(LAST_OVERRIDE_ANNOTATION));
  const at = textAt(broken, "at");
  if (at !== undefined) {
    const holder = textAt(broken, "holder") || "an unknown holder";
    kept(
      at,
      "LockBroken",
      `by ${textAt(broken, "by") ?? "?"}, held by ${holder}: ${textAt(broken, "reason") ?? ""}`,
    );
  }
  return entries;
}

function jsonOf(text: string | undefined): unknown {
  try {
    const json: unknown = JSON.parse(text ?? "");
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Length without colours. */
function visible(line: string): number {
  // oxlint-disable-next-line no-control-regex
  return Array.from(line.replaceAll(/\u001b\[\d+m/g, "")).length;
}
