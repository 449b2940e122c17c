/** Addresses that a real kubelet and a real containerd leave behind, and an agent that nobody tells of them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { startAgent } from "./agent.ts";
import { emptyLeases, knownIDs, leasesOf, runningIDs } from "./leases.ts";
import { machineLines } from "./lines.ts";
import type { Machine } from "./machine.ts";
import { Places, type Place } from "./places.ts";
import { isReady } from "./pods.ts";

const places = new Places("leaks");
beforeAll(async () => places.open());
afterAll(async () => places.close());

const live = ["live-1", "live-2"];
const starting = ["new-1", "new-2", "new-3", "new-4", "new-5"];
/** What five addresses may take at the most. */
const addressesMillis = 120_000;

/** Waits for leases as `test` wants them; what was there last is in the error. */
async function leasesWhen(
  machine: Machine,
  what: string,
  test: (leases: ReadonlyMap<string, string>) => boolean,
  deadlineMillis = 120_000,
): Promise<ReadonlyMap<string, string>> {
  return waitFor(
    `${machine.name}: ${what}`,
    async () => {
      const leases = await leasesOf(machine);
      if (test(leases)) return { done: true, value: leases };
      return { done: false, seen: JSON.stringify([...leases]) };
    },
    { deadlineMillis, intervalMillis: 1_000 },
  );
}

/** Leases of sandboxes that run. */
async function heldLeases(machine: Machine): Promise<readonly (readonly [string, string])[]> {
  const running = await runningIDs(machine);
  return [...(await leasesOf(machine))].filter(([, id]) => running.has(id));
}

it.concurrent.each(machineLines)(
  "containerd $line: a power cut while 5 pods get their addresses, 2 leases emptied by it, 3 DELs that fail unheard",
  async ({ name, line }) => {
    const { machine, pods } = places.at(name);
    await pods.create(live);
    await pods.waitFor("readiness", live, isReady);
    const settled = await leasesOf(machine);
    // No ADD may end before the cut: kubelet keeps a dead sandbox that has had a container.
    await machine.setCni({ holdAddSeconds: addressesMillis / 1_000 + 60 });
    await pods.create(starting);
    // Others may have ended meanwhile, pods of tests before this one. An empty one is still being written.
    const added = (all: ReadonlyMap<string, string>) =>
      [...all].filter(([address, id]) => !settled.has(address) && id !== "").map(([, id]) => id);
    const cut = added(
      await leasesWhen(
        machine,
        "5 more leases",
        (all) => added(all).length === starting.length,
        addressesMillis,
      ),
    );
    const emptied = [...settled.keys()].slice(0, 2);
    await emptyLeases(machine, emptied);
    await machine.powerOff();
    await machine.powerOn();
    // As in the first days after an install: it looks, and changes nothing.
    const looking = await startAgent(machine, "--cni-leases=report", "--cni-sandbox-repair=report");
    await pods.waitFor("readiness", [...live, ...starting], isReady, 180_000);
    // Until kubelet's first collection the five are listed as ended.
    const forgotten = await waitFor(
      `${name}: kubelet and containerd to forget the five`,
      async () => {
        const known = await knownIDs(machine);
        const left = cut.filter((id) => known.has(id)).length;
        return left === 0 ? { done: true, value: await leasesOf(machine) } : { done: false, seen: `${left}` };
      },
      { deadlineMillis: 300_000, intervalMillis: 1_000 },
    );
    const owners = [...forgotten.values()];
    // This line alone never calls DEL for them (containerd#10744).
    expect(cut.filter((id) => owners.includes(id))).toHaveLength(line === "1.7" ? 5 : 0);
    expect(owners.filter((id) => id === "")).toHaveLength(emptied.length);
    const held = await heldLeases(machine);
    const before = await pods.seen();
    await looking.stop();

    const agent = await startAgent(machine);
    const first = await leasesWhen(machine, "the five to go", (all) =>
      cut.every((id) => ![...all.values()].includes(id)),
    );
    // Other tests' pods may have ended meanwhile.
    const running = await runningIDs(machine);
    const lost = held.filter(([address, id]) => running.has(id) && first.get(address) !== id);
    expect({ lost, enough: held.length >= live.length + starting.length }).toEqual({
      lost: [],
      enough: true,
    });
    expect(await pods.seen()).toEqual(before);
    await agent.stop();

    // Who owned the empty ones nobody knows: they go after ten minutes, or when they were there before a boot.
    await machine.powerOff();
    await machine.powerOn();
    const again = await startAgent(machine);
    await pods.waitFor("readiness", [...live, ...starting], isReady, 180_000);
    const last = await leasesWhen(machine, "the empty ones to go", (all) => ![...all.values()].includes(""));
    const known = await knownIDs(machine);
    expect([...last.values()].filter((id) => !known.has(id))).toEqual([]);
    await again.stop();

    await swallowDeletions(places.at(name));
  },
);

/** A DEL that fails with words that count as success leaves the lease to nobody, once kubelet has removed the sandbox. */
async function swallowDeletions({ machine, pods }: Place): Promise<void> {
  const doomed = ["doomed-1", "doomed-2", "doomed-3"];
  await pods.create(doomed);
  await pods.waitFor("readiness", doomed, isReady);
  const agent = await startAgent(machine);
  await agent.looked();
  await agent.stop();
  const before = new Set((await heldLeases(machine)).map(([, id]) => id));
  await machine.setCni({ failDel: "device not found" });
  await pods.delete(doomed);
  await waitFor(
    "the sandboxes to be forgotten",
    async () => {
      const known = await knownIDs(machine);
      const stale = [...(await leasesOf(machine))].filter(([, id]) => before.has(id) && !known.has(id));
      return stale.length >= 3 ? { done: true, value: stale } : { done: false, seen: `${stale.length}` };
    },
    { deadlineMillis: 300_000, intervalMillis: 1_000 },
  );
  await machine.setCni({});
  const later = await startAgent(machine);
  await waitFor(
    "the three to go",
    async () => {
      const known = await knownIDs(machine);
      const left = [...(await leasesOf(machine))].filter(([, id]) => !known.has(id));
      return left.length === 0
        ? { done: true, value: undefined }
        : { done: false, seen: JSON.stringify(left) };
    },
    { deadlineMillis: 180_000, intervalMillis: 1_000 },
  );
  const leases = [...(await leasesOf(machine)).values()];
  const running = await runningIDs(machine);
  expect([...running].filter((id) => before.has(id) && !leases.includes(id))).toEqual([]);
  await later.stop();
}
