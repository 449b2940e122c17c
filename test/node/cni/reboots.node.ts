/**
 * Many boots with pods coming and going, and kills of the agent, containerd and plugins at random moments: after two
 * passes nothing stale is left, nothing live is lost, and the quarantine holds what was stale. `NODELATCH_BOOTS=50` for
 * the long run.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDice } from "../../../program/testing/dice.ts";
import { realFileSystem } from "../../../daemonset/cni/apply/file-system.ts";
import { filesOf, listDrawers, namesIn } from "../../../daemonset/cni/apply/quarantine/drawer.ts";
import { systemError, watchedFiles } from "../../../daemonset/cni/apply/testing/watched-files.ts";
import { duplicatesOf, podAddresses } from "./addresses-asked.ts";
import { CniNode } from "./cni-node.ts";
import { orphan } from "./host-local.ts";
import { RealAgent } from "./real-agent.ts";

const BOOTS = Number(process.env["NODELATCH_BOOTS"] ?? 5);
const SEED = Number(process.env["NODELATCH_SEED"] ?? 7);
let node: CniNode;

beforeAll(async () => {
  node = await CniNode.start();
});
afterAll(async () => node?.stop());

/** As kubelet after a boot: stops and removes what has ended. */
async function collect(): Promise<void> {
  const { sandboxes } = await new RealAgent(node).proven();
  for (const { id, state, pod } of sandboxes.values()) {
    if (state !== "ready" && pod?.uid !== node.agentPod.uid) await node.removePod(id);
  }
}

/** Ids of the leases that were moved, by the quarantine's own files. */
function quarantinedOwners(): ReadonlySet<string> {
  const drawers = listDrawers(realFileSystem, node.at("/var/lib/nodelatch/quarantine"));
  const leases = drawers
    .filter(({ origin }) => origin?.kind === "lease")
    .flatMap((drawer) => namesIn(realFileSystem, drawer).map((name) => join(filesOf(drawer), name)));
  return new Set(leases.map((path) => readFileSync(path, "utf8").slice(0, 64)));
}

describe(`${BOOTS} boots`, () => {
  it(
    "leave nothing stale and lose nothing live",
    async () => {
      const dice = makeDice(SEED);
      const stale = new Set<string>();
      const ran = new Set<string>();
      for (let boot = 0; boot < BOOTS; boot++) {
        const pods = await Promise.all(
          Array.from({ length: 1 + Math.floor(dice() * 4) }, async () => node.runPod()),
        );
        for (let left = Math.floor(dice() * 3); left > 0; left--) {
          for (const address of await orphan(node)) stale.add(node.leases().get(address) ?? "");
        }
        // The agent dies at a random call of the file system in the middle of a pass; the next one is a new process.
        let calls = Math.floor(dice() * 60);
        const files = watchedFiles(() => {
          if (calls-- <= 0) throw systemError("EKILLED");
        });
        const dying = new RealAgent(node, { files });
        await dying.settledPass();
        const starting = [node.runPod(), node.runPod()].map(async (one) => one.catch(() => "cut"));
        await sleep(dice() * 200);
        if (dice() < 0.5)
          await node.run("sh", "-c", "pkill -KILL -x host-local; pkill -KILL -x bridge; true");
        if (dice() < 0.4) await node.containerd.killDaemon();
        // Whoever is being started is cut, or not.
        if (dice() < 0.5) await Promise.all(starting);
        await node.cutPower();
        await Promise.all(starting);
        await collect();
        const again = await node.runPod();
        for (const id of [...pods, again]) ran.add(id);
        const agent = new RealAgent(node);
        await agent.settledPass();
        await agent.settledPass();
        const { sandboxes } = await agent.proven();
        const owners = [...node.leases().values()];
        const nobodys = owners.filter((id) => !sandboxes.has(id));
        expect({ boot, nobodys, lost: owners.includes(again) ? [] : [again] }).toEqual({
          boot,
          nobodys: [],
          lost: [],
        });
        expect(duplicatesOf(await podAddresses(node))).toEqual([]);
        expect(pods.every((id) => !owners.includes(id))).toBe(true);
        await node.removePod(again);
      }
      expect([...node.leases()]).toEqual([]);
      const kept = quarantinedOwners();
      expect([...stale].filter((id) => !kept.has(id))).toEqual([]);
      // What ran was released by the plugin itself.
      expect([...kept].filter((id) => ran.has(id))).toEqual([]);
    },
    BOOTS * 30_000 + 60_000,
  );
});
