/** How the chart runs the agent, so that what is measured is what is shipped. */
import { readFile } from "node:fs/promises";

export interface ChartCommand {
  /** Node's own flags. */
  readonly nodeFlags: readonly string[];
  /** Variables with a fixed value. */
  readonly env: Readonly<Record<string, string>>;
}

const TEMPLATE = new URL("../../charts/nodelatch/templates/agent/daemonset.yaml", import.meta.url);

export async function readChartCommand(): Promise<ChartCommand> {
  return chartCommandIn(await readFile(TEMPLATE, "utf8"));
}

/** @throws Error if the template has no such command. */
export function chartCommandIn(template: string): ChartCommand {
  const list = /^ *command: (\[.*\])$/m.exec(template)?.[1] ?? "[]";
  const words: unknown = JSON.parse(list);
  const command = Array.isArray(words) ? words.map(String) : [];
  const program = command.indexOf("/app/agent.mjs");
  if (program < 1) throw new Error(`the chart's DaemonSet: no command that runs /app/agent.mjs in ${list}`);
  const env: Record<string, string> = {};
  for (const [, name = "", value = ""] of template.matchAll(/- name: ([A-Z_]+)\n +value: "?([^"\n]*)"?$/gm)) {
    env[name] = value;
  }
  return { nodeFlags: command.slice(1, program), env };
}
