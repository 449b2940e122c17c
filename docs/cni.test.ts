/** docs/cni.md on rules, words and findings, compared with the code. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DEATH_RULES, LEAST_GRACE_MILLIS } from "../daemonset/cni/decide/ownership.ts";
import { mendedVersion } from "../daemonset/cni/decide/leaky-version.ts";
import { MOST_STOPS } from "../daemonset/cni/decide/repair.ts";
import { CACHE_DIRECTORIES } from "../daemonset/cni/networks/network.ts";
import { CNI_FINDING_KINDS } from "../daemonset/cni/report/finding.ts";
import { leaseTally, Counter } from "../daemonset/cni/report/tally.ts";
import { codeIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("cni.md", import.meta.url), "utf8");

const firsts = (...header: readonly string[]) =>
  tableWith(page, ...header).rows.map(([cell = ""]) => codeIn(cell)[0]);

test("every rule is explained, and no other", () => {
  expect(firsts("rule", "why it can't be a sandbox that is just being made")).toEqual([...DEATH_RULES]);
  expect(LEAST_GRACE_MILLIS).toBe(600_000);
  expect(MOST_STOPS).toBe(3);
});

test("every finding has its remedy, and no other", () => {
  expect(firsts("finding", "what to do")).toEqual([...CNI_FINDING_KINDS]);
});

test("every word of the report is explained, and no other", () => {
  const words = Object.keys(leaseTally(new Counter(), 0)).filter((word) => word !== "leases");
  expect(firsts("word", "leases")).toEqual(words);
});

test("all places of caches are named", () => {
  for (const { hostPath } of CACHE_DIRECTORIES) expect(page).toContain(`\`${hostPath}\``);
});

test("the versions that leak are those of the code", () => {
  const leaky = ["1.7.23", "1.7.30", "2.0.0", "2.0.7", "2.1.0", "2.1.6", "2.2.0", "2.2.1"];
  for (const version of leaky) {
    expect(page).toContain(version);
    expect(mendedVersion("containerd", version)).toBeDefined();
  }
});
