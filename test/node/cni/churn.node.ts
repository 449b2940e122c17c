/**
 * Pods come and go as fast as the machine allows while passes run every second: none loses its address, none gets
 * another's, and nothing is left in the end. `NODELATCH_CHURN_SECONDS=180` for the long run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { duplicatesOf, podAddresses } from "./addresses-asked.ts";
import { CniNode } from "./cni-node.ts";
import { orphan } from "./host-local.ts";
import { never, RealAgent } from "./real-agent.ts";

const SECONDS = Number(process.env["NODELATCH_CHURN_SECONDS"] ?? 30);
const WORKERS = 3;
const PASS_EVERY_MILLIS = 1_000;
let node: CniNode;

beforeAll(async () => {
  node = await CniNode.start();
});
afterAll(async () => node?.stop());

describe(`churn for ${SECONDS} s`, () => {
  it(
    "loses no live lease, gives out no address twice and leaves nothing",
    async () => {
      const agent = new RealAgent(node);
      const over = AbortSignal.timeout(SECONDS * 1_000);
      const alive = new Map<string, string>();
      const lost: string[] = [];
      const refused: string[] = [];
      let made = 0;
      let duplicates: readonly string[] = [];
      const staleMade: string[] = [];

      const work = async (): Promise<void> => {
        while (!over.aborted) {
          try {
            const id = await node.runPod();
            made += 1;
            alive.set(id, node.addressOf(id));
            await sleep(50 + Math.random() * 500);
            const address = alive.get(id) ?? "";
            if (node.leases().get(address) !== id) lost.push(`${address} ${id}`);
            alive.delete(id);
            await node.removePod(id);
          } catch (error) {
            refused.push(String(error));
          }
        }
      };
      const makeStale = async (): Promise<void> => {
        while (!over.aborted) {
          staleMade.push(...(await orphan(node)));
          await sleep(700);
        }
      };
      const watch = async (): Promise<void> => {
        while (!over.aborted) {
          duplicates = [...duplicates, ...duplicatesOf(await podAddresses(node))];
          await sleep(500);
        }
      };
      const moved: string[] = [];
      const passes: (string | undefined)[] = [];
      const pass = async (): Promise<void> => {
        while (!over.aborted) {
          // As if all this took days: what is nobody's twice in a row is so for ten minutes.
          agent.skipTenMinutes();
          const report = await agent.pass();
          passes.push(report.obstacle);
          moved.push(...report.networks.flatMap(({ removals }) => removals.map(({ id = "" }) => id)));
          await sleep(PASS_EVERY_MILLIS);
        }
      };
      await Promise.all([...Array.from({ length: WORKERS }, work), makeStale(), watch(), pass()]);
      await agent.settledPass();
      console.log(
        `churn: ${made} pods, ${passes.length} passes, ${passes.filter((one) => one !== undefined).length} unproven, ` +
          `${staleMade.length} made stale, lock held for at most ${Math.round(Math.max(0, ...agent.heldMillis))} ms`,
      );
      expect({ lost, duplicates }).toEqual({ lost: [], duplicates: [] });
      // In one text, of which the report cuts nothing off.
      expect(refused.join("\n")).toBe("");
      expect([...node.leases()]).toEqual([]);
      expect(made).toBeGreaterThan(WORKERS * 2);
      expect(moved.length).toBeGreaterThan(0);
      const { files } = await agent.removal.quarantine.usage();
      expect(files).toBe(staleMade.length);
      expect((await agent.prove(never)).kind).toBe("proven");
    },
    SECONDS * 1_000 + 120_000,
  );
});
