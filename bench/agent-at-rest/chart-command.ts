/** How the chart runs the agent, so that what is measured is what is shipped. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";

const TEMPLATE = new URL("../../charts/nodelatch/templates/agent/daemonset.yaml", import.meta.url);
const PROGRAM = "/app/agent.mjs";

/** Node's own flags. */
export async function readNodeFlags(): Promise<readonly string[]> {
  return nodeFlagsIn(await readFile(TEMPLATE, "utf8"));
}

/** @throws Error if the template has no command that runs the agent. */
export function nodeFlagsIn(template: string): readonly string[] {
  const list = /^ *command:(\s*\[.*?\])$/ms.exec(template)?.[1] ?? "";
  const words: unknown = parse(list);
  const command = Array.isArray(words) ? words.map(String) : [];
  const program = command.indexOf(PROGRAM);
  if (program < 1)
    throw new Error(`the chart's DaemonSet: expected a command that runs ${PROGRAM}, got ${list}`);
  return command.slice(1, program);
}
