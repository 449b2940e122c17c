/** "failed to reserve container name" with a real kubelet: each way into it, and out of it without a person. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAgent } from "./agent.ts";
import { machineLines } from "./lines.ts";
import { Places } from "./places.ts";
import { isReady, isStuck } from "./pods.ts";

const places = new Places("reserved");
beforeAll(async () => places.open());
afterAll(async () => places.close());

const bystanders = ["bystander-1", "bystander-2"];
/** Its container was being started when the power was cut, and nothing else is wrong. */
const trueDate = "true-date";
/** As that, with the clock an hour ahead when it was made. */
const createdLater = "created-later";
/** As that, and its successor has ended. */
const bothEnded = "both-ended";
/** Its first container had ended, and the clock was an hour ahead when that was made (kubernetes#135762). */
const endedLater = "ended-later";
/** As true-date, and containerd's file about it is empty: UNKNOWN. */
const lost = "lost";

it.concurrent.each(machineLines)(
  "after a power cut on containerd $line: pods are stuck for kubelet alone, and Ready with the agent",
  async ({ name }) => {
    const { machine, pods } = places.at(name);
    const interrupted = [trueDate, createdLater, bothEnded, lost];
    const stuckPods = [createdLater, bothEnded, endedLater];
    await pods.create([...bystanders, endedLater]);
    await pods.waitFor("readiness", [...bystanders, endedLater], isReady);

    await machine.holdCreates([...interrupted, endedLater]);
    await pods.create(interrupted);
    await pods.end(endedLater);
    for (const pod of interrupted) await machine.waitForContainer(pod, 0, "created");
    await machine.waitForContainer(endedLater, 1, "created");
    const before = await machine.containers();
    const idOf = (pod: string): string =>
      before.find((each) => each.pod === pod && each.attempt === 0)?.id ?? "";
    await machine.powerOff();
    for (const pod of stuckPods) await machine.editStatus("later", idOf(pod));
    await machine.editStatus("empty", idOf(lost));
    await machine.powerOn();

    const second = await machine.waitForContainer(bothEnded, 1, "running");
    await machine.shell('ctr -n k8s.io tasks kill -s KILL "$0"', second.id);
    await pods.waitFor("readiness", [trueDate, lost, ...bystanders], isReady);
    // Kubelet says now that, now how long it will wait until it tries again.
    for (const pod of stuckPods) await pods.waitFor("a reserved name", [pod], isStuck);
    const left = (await machine.containers()).filter(({ sandbox }) => sandbox !== "ready");
    const lines = left.map(({ pod, attempt, state }) => `${pod}/${attempt} ${state}`);
    expect(lines).toEqual(
      expect.arrayContaining([
        `${createdLater}/0 created`,
        `${bothEnded}/0 created`,
        `${endedLater}/0 exited`,
        // Kubelet stops what is UNKNOWN and goes on; only without one it stays so.
        `${lost}/0 exited`,
        `${trueDate}/0 created`,
      ]),
    );

    const stuck = await pods.seen();
    const agent = await startAgent(machine);
    const healed = await pods.waitFor(
      "readiness, with the agent",
      [...interrupted, ...bystanders, endedLater],
      isReady,
      180_000,
    );
    const untouched = [...bystanders, trueDate, lost];
    for (const pod of untouched) expect(healed.get(pod)).toEqual(stuck.get(pod));
    const removals = (await agent.removals()).map(
      ({ pod, attempt, rule, outcome }) => `${pod}/${attempt} ${rule} ${outcome}`,
    );
    const needed = [
      `${createdLater}/0 created-in-dead-sandbox removed`,
      `${bothEnded}/0 created-in-dead-sandbox removed`,
      `${endedLater}/0 clock-inverted removed`,
      `${trueDate}/0 created-in-dead-sandbox removed`,
    ];
    expect(removals).toEqual(expect.arrayContaining(needed));
    // A minute after its start kubelet itself removes that, and is stuck as before.
    const also = `${endedLater}/1 created-in-dead-sandbox removed`;
    expect(removals.filter((line) => !needed.includes(line) && line !== also)).toEqual([]);
    await agent.stop();
  },
);
