/**
 * A small fleet on every `npm test`; `node test/fleet/main.ts` runs a thousand nodes and as many reboots. A run comes again
 * with its seed, but for what the webhook writes by itself after an answer.
 */
import { expect, test } from "vitest";
import { startEmbedded } from "./embedded.ts";
import { runFleet, type FleetOptions, type FleetResult } from "./fleet.ts";

const OPTIONS: FleetOptions = { nodes: 20, reboots: 35, seed: 4 };

async function run(options: FleetOptions, flags: readonly string[] = []): Promise<FleetResult> {
  const cluster = await startEmbedded(flags);
  try {
    return await runFleet(cluster, options);
  } finally {
    await cluster.close();
  }
}

test("whatever fails, no node reboots unlocked or is uncordoned too early, and no lock is left", async () => {
  const { violation, leftBehind, history, ...counts } = await run(OPTIONS);
  expect(violation === undefined ? leftBehind : history).toEqual([]);
  expect(violation).toBeUndefined();
  // Nothing of this is true for want of anything happening.
  expect(counts.reboots).toBeGreaterThan(OPTIONS.reboots / 2);
  expect(counts.outages.api).toBeGreaterThan(0);
  expect(counts.outages.webhook).toBeGreaterThan(0);
  for (const count of [
    "releasedByTool",
    "releasedByAgent",
    "refused",
    "crashes",
    "powerFailures",
    "lost",
  ] as const) {
    expect([count, counts[count]]).not.toEqual([count, 0]);
  }
}, 180_000);

test("with a guard that only warns, the same fleet is harmed", async () => {
  const { violation } = await run(OPTIONS, ["--guard-mode=warn"]);
  expect(violation).toContain("ended, changed or uncordoned by");
});
