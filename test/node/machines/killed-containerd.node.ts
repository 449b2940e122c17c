/** A start that containerd's death cut off, in a sandbox that lives on, dated by a clock that was an hour ahead. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAgent } from "./agent.ts";
import { machineLines } from "./lines.ts";
import { Places } from "./places.ts";
import { isReady, isStuck } from "./pods.ts";

const places = new Places("killed");
beforeAll(async () => places.open());
afterAll(async () => places.close());

const bystander = "bystander";
const fresh = "fresh";

it.concurrent.each(machineLines)(
  "left in a READY sandbox, that of a boot before or a new one, on containerd $line: stuck, and Ready with the agent",
  async ({ name }) => {
    const { machine, pods } = places.at(name);
    const older = "older";
    const all = [bystander, older, fresh];
    await pods.create([bystander, fresh]);
    await pods.waitFor("readiness", [bystander, fresh], isReady);
    // Gives `fresh` a new sandbox; that of `older` is its first.
    await machine.powerOff();
    await machine.powerOn();
    await pods.create([older]);
    await pods.waitFor(
      "readiness after the boot",
      all,
      (pod) => pod.ready && pod.restarts === (pod.name === older ? 0 : 1),
    );

    await machine.holdCreates([fresh, older]);
    await pods.end(fresh);
    await pods.end(older);
    const left = [
      await machine.waitForContainer(fresh, 2, "created"),
      await machine.waitForContainer(older, 1, "created"),
    ];
    await machine.service("kubelet", "stop");
    await machine.service("containerd", "kill");
    for (const { id } of left) await machine.editStatus("later", id);
    await machine.releaseCreates();
    await machine.service("containerd", "start");
    await machine.service("kubelet", "start");

    for (const pod of [fresh, older]) await pods.waitFor("a reserved name", [pod], isStuck);
    const listed = await machine.containers();
    for (const { id } of left) {
      expect(listed.find((each) => each.id === id)).toMatchObject({ state: "created", sandbox: "ready" });
    }
    const stuck = await pods.seen();
    const agent = await startAgent(machine);
    const healed = await pods.waitFor("readiness, with the agent", all, isReady);
    expect(healed.get(bystander)).toEqual(stuck.get(bystander));
    const removals = await agent.removals();
    const lines = removals.map(({ pod, attempt, outcome }) => `${pod}/${attempt} ${outcome}`);
    expect(lines.toSorted()).toEqual([`${fresh}/2 removed`, `${older}/1 removed`]);
    await agent.stop();
  },
);
