/** docs/agent.md on rules, times, metrics and checks, compared with the code. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UNSEEN_START_MILLIS } from "../daemonset/containers/decide.ts";
import { RULES } from "../daemonset/containers/settings.ts";
import { BOOT_OFFSETS_MILLIS } from "../daemonset/schedule.ts";
import { AgentKit, leaveRunning, until } from "../daemonset/testing/agent-kit.ts";
import { codeIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("agent.md", import.meta.url), "utf8");

test("every rule is explained, and no other", () => {
  const { rows } = tableWith(page, "rule", "container", "why");
  expect(rows.map(([rule = ""]) => codeIn(rule)[0])).toEqual([...RULES]);
});

test("the times after a boot are those of the code", () => {
  const seconds = BOOT_OFFSETS_MILLIS.map((millis) => millis / 1_000);
  expect(page).toContain(`${seconds.slice(0, -1).join(", ")} and ${seconds.at(-1)} s after the first look`);
});

test("the time where no start is seen is that of the code", () => {
  expect(UNSEEN_START_MILLIS).toBe(5 * 60_000);
  expect(page.replaceAll(/\s+/g, " ")).toContain("only when it was seen for five minutes");
});

let kit: AgentKit;
let metrics: string;
let verbose: string;

/** What a whole agent shows after its first pass. */
beforeAll(async () => {
  kit = await AgentKit.open();
  await leaveRunning(await kit.runtime());
  const { url } = await kit.start();
  const get = async (path: string): Promise<string> => (await fetch(url + path)).text();
  await until(async () => (await get("/readyz?verbose")).includes("[+]containers ok: last pass"));
  [metrics, verbose] = await Promise.all([get("/metrics"), get("/readyz?verbose")]);
});
afterAll(async () => kit.close());

interface Shown {
  readonly name: string;
  readonly type: string;
  /** undefined if there is no sample yet. */
  readonly labels: readonly string[] | undefined;
}

function shownMetrics(): readonly Shown[] {
  const lines = metrics.split("\n");
  return [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
    const sample = lines.find((line) => new RegExp(`^${name}(_count)?[ {]`).test(line));
    const labels = sample === undefined ? undefined : [...sample.matchAll(/([a-z]+)="/g)];
    return { name, type, labels: labels?.map(([, label = ""]) => label) };
  });
}

test("every metric of ours is listed with its type and labels, and no other", () => {
  const { rows } = tableWith(page, "name", "type", "labels", "meaning");
  const listed = new Map(
    rows.map(([name = "", type = "", labels = ""]) => [codeIn(name)[0], { type, labels }]),
  );
  const ours = shownMetrics().filter(({ name }) => name.startsWith("nodelatch_"));
  expect(ours.length).toBeGreaterThan(15);
  expect([...listed.keys()]).toEqual(ours.map(({ name }) => name));
  for (const { name, type, labels } of ours) {
    expect({ name, type: listed.get(name)?.type }).toEqual({ name, type });
    if (labels === undefined) continue;
    expect({ name, labels: codeIn(listed.get(name)?.labels ?? "") }).toEqual({ name, labels });
  }
});

test("all others are named", () => {
  const others = shownMetrics().filter(({ name }) => !name.startsWith("nodelatch_"));
  expect(others.length).toBeGreaterThan(3);
  for (const { name } of others) expect(page).toContain(`\`${name}\``);
});

test("every line of /readyz?verbose is explained, and no other", () => {
  const { rows } = tableWith(page, "line", "says", "fails");
  const lines = [...verbose.matchAll(/^\[[+-]\]([a-z-]+) /gm)].map(([, name = ""]) => name);
  expect(lines.length).toBeGreaterThan(5);
  expect(rows.map(([line = ""]) => codeIn(line)[0])).toEqual(lines);
  expect(page).toContain("readyz check passed");
});
