/** "failed to reserve container name" with a real kubelet: each way into it, and out of it without a person. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAgent } from "./agent.ts";
import { machineLines } from "./lines.ts";
import { Places, type Place } from "./places.ts";
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
/** Its container was being started, in the sandbox that it got after the cut, when containerd died; an hour ahead. */
const newSandbox = "new-sandbox";
/** As that, in the only sandbox that it ever had. */
const onlySandbox = "only-sandbox";

const interrupted = [trueDate, createdLater, bothEnded, lost];
const stuckByCut = [createdLater, bothEnded, endedLater];
const stuckByDeath = [newSandbox, onlySandbox];

/** Starts that hang when the power is cut; then a boot with a kubelet that is left alone with what that left. */
async function cutDuringStarts({ machine, pods }: Place): Promise<void> {
  const first = [...bystanders, endedLater, newSandbox];
  await pods.create(first);
  await pods.waitFor("readiness", first, isReady);
  await machine.holdCreates([...interrupted, endedLater]);
  await pods.create(interrupted);
  for (const pod of interrupted) await machine.waitForContainer(pod, 0, "created");
  // Of the two that this pod will have, kubelet would remove the first.
  await machine.waitForCollection();
  await pods.end(endedLater);
  await machine.waitForContainer(endedLater, 1, "created");
  const before = await machine.containers();
  const idOf = (pod: string): string => {
    const first = before.find((each) => each.pod === pod && each.attempt === 0);
    if (first === undefined) throw new Error(`${machine.name}: the first container of ${pod} is gone`);
    return first.id;
  };
  await machine.powerOff();
  for (const pod of stuckByCut) await machine.editStatus("later", idOf(pod));
  await machine.editStatus("empty", idOf(lost));
  await machine.powerOn();

  const second = await machine.waitForContainer(bothEnded, 1, "running");
  await machine.shell('ctr -n k8s.io tasks kill -s KILL "$0"', second.id);
  await pods.waitFor("readiness after the boot", [...bystanders, trueDate, lost, newSandbox], isReady);
  // Kubelet says now that, now how long it will wait until it tries again.
  for (const pod of stuckByCut) await pods.waitFor("a reserved name", [pod], isStuck);
  const left = (await machine.containers()).filter(({ sandbox }) => sandbox !== "ready");
  expect(left.map(({ pod, attempt, state }) => `${pod}/${attempt} ${state}`)).toEqual(
    expect.arrayContaining([
      `${createdLater}/0 created`,
      `${bothEnded}/0 created`,
      `${endedLater}/0 exited`,
      // Kubelet stops what is UNKNOWN and goes on; only without one it stays so.
      `${lost}/0 exited`,
      `${trueDate}/0 created`,
    ]),
  );
}

/** Starts that hang when containerd alone dies. */
async function killDuringStarts({ machine, pods }: Place): Promise<void> {
  await pods.create([onlySandbox]);
  await pods.waitFor("readiness", [onlySandbox], isReady);
  await machine.holdCreates(stuckByDeath);
  for (const pod of stuckByDeath) await pods.end(pod);
  const left = [
    await machine.waitForContainer(newSandbox, 2, "created"),
    await machine.waitForContainer(onlySandbox, 1, "created"),
  ];
  await machine.service("kubelet", "stop");
  await machine.service("containerd", "kill");
  for (const { id } of left) await machine.editStatus("later", id);
  await machine.releaseCreates();
  await machine.service("containerd", "start");
  await machine.service("kubelet", "start");

  for (const pod of stuckByDeath) await pods.waitFor("a reserved name", [pod], isStuck);
  const listed = await machine.containers();
  for (const { id } of left) {
    expect(listed.find((each) => each.id === id)).toMatchObject({ state: "created", sandbox: "ready" });
  }
}

it.concurrent.each(machineLines)(
  "starts cut off on containerd $line: pods are stuck for kubelet alone, and Ready with the agent",
  async ({ name }) => {
    const place = places.at(name);
    const { machine, pods } = place;
    await cutDuringStarts(place);
    await killDuringStarts(place);

    const stuck = await pods.seen();
    const agent = await startAgent(machine);
    const all = [...bystanders, ...interrupted, ...stuckByCut, ...stuckByDeath];
    const healed = await pods.waitFor("readiness, with the agent", all, isReady, 180_000);
    for (const pod of [...bystanders, trueDate, lost]) expect(healed.get(pod)).toEqual(stuck.get(pod));
    const removals = (await agent.removals()).map(
      ({ pod, attempt, outcome }) => `${pod}/${attempt} ${outcome}`,
    );
    const needed = [
      `${trueDate}/0 removed`,
      `${createdLater}/0 removed`,
      `${bothEnded}/0 removed`,
      `${endedLater}/0 removed`,
      `${newSandbox}/2 removed`,
      `${onlySandbox}/1 removed`,
    ];
    expect(removals).toEqual(expect.arrayContaining(needed));
    // A minute after its start kubelet itself removes that, and is stuck as before.
    const also = `${endedLater}/1 removed`;
    expect(removals.filter((line) => !needed.includes(line) && line !== also)).toEqual([]);
    await agent.stop();
  },
);
