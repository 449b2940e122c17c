import { describe, expect, test } from "vitest";
import { lockRecord } from "../../lock/fixture.ts";
import type { AgentEvent } from "../containers/announce.ts";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import { makeLogLines } from "../host/testing/log-lines.ts";
import { makeRelease, releaseWords, type ReleaseApi } from "./release.ts";
import { FakeNode } from "./testing/own-node.ts";

const OLD = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
const NOW = "7a1f0c1e-55d4-4f0a-8f0e-2f4b5a6c7d88";
const RECORD = lockRecord({ release: "reboot", bootID: OLD });
const never = new AbortController().signal;

function start(bootID: BootIDRead = { kind: "known", bootID: NOW }) {
  const node = Object.assign(new FakeNode(), { bootID: NOW });
  node.take(RECORD);
  const lines = makeLogLines();
  const posted: AgentEvent[] = [];
  const world: { unclean: string | undefined; age: number | Error } = { unclean: undefined, age: 600_000 };
  const release = makeRelease({
    bootID,
    readBootAge: async () => {
      if (world.age instanceof Error) throw world.age;
      return world.age;
    },
    unclean: () => world.unclean,
    offer: (events) => posted.push(...events),
    random: () => 1,
    log: lines.log,
  });
  return {
    node,
    world,
    release,
    posted,
    messages: () => lines.lines.map(({ msg }) => msg),
    look: async (api: ReleaseApi = node) => release.look(api, await node.readNode(), never),
    words: () => releaseWords(release.state()),
  };
}

test("a reboot that is proven ends the lock: one write, one line, one Event", async () => {
  const bench = start();
  expect(await bench.look()).toBeUndefined();
  expect(bench.node).toMatchObject({ lock: undefined, unschedulable: false });
  expect(bench.node.writes).toEqual([{ uid: "uid-n1", resourceVersion: "2", uncordon: true }]);
  const words =
    "released the reboot lock of alice (kernel update) from 2026-11-21T09:14:00Z, as the node has rebooted; it is no longer cordoned";
  expect(bench.posted).toEqual([{ type: "Normal", reason: "LockReleased", message: words }]);
  expect(bench.words()).toBe(words);
  expect(bench.messages()).toEqual(["reboot lock released"]);
  expect(bench.release.released()).toBe(1);
  expect(await bench.look()).toBeUndefined();
  expect(bench.words()).toBe(words);
  expect(bench.node.writes).toHaveLength(1);
});

test("the cordon from before the lock stays, and the Event says so", async () => {
  const bench = start();
  bench.node.take({ ...RECORD, wasUnschedulable: true });
  await bench.look();
  expect(bench.node).toMatchObject({ lock: undefined, unschedulable: true });
  expect(bench.posted[0]?.message).toMatch(/; it is still cordoned$/);
});

describe("while something is still to come", () => {
  test("it looks again after 5 s, ever more rarely, at least each minute", async () => {
    const bench = start();
    bench.world.unclean = "the passes after this boot are under way";
    const waits: (number | undefined)[] = [];
    for (let look = 0; look < 7; look += 1) waits.push(await bench.look());
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    expect(bench.node.writes).toEqual([]);
    expect(bench.words()).toBe("the reboot lock waits: the passes after this boot are under way");
    expect(bench.messages()).toEqual(["reboot lock not released"]);
    bench.world.unclean = undefined;
    expect(await bench.look()).toBeUndefined();
    expect(bench.node.lock).toBeUndefined();
  });
});

test.each([
  ["another release", { release: "explicit" }],
  ["a lock of this boot", { bootID: NOW }],
  ["a lock of an earlier node", { nodeUID: "other" }],
] as const)("nothing is asked for more often because of %s", async (_what, part) => {
  const bench = start();
  bench.node.take({ ...RECORD, ...part });
  expect(await bench.look()).toBeUndefined();
  expect(bench.words()).toMatch(/^the reboot lock stays: /);
  expect(bench.node.writes).toEqual([]);
});

test("without a boot ID nothing is ever released", async () => {
  const bench = start({ kind: "unknown", reason: "no /proc" });
  expect(await bench.look()).toBeUndefined();
  expect(bench.node.writes).toEqual([]);
  expect(bench.words()).toBe("the reboot lock stays: this boot's ID is not known: no /proc");
});

test("a node without lock needs to know nothing of the boot", async () => {
  const bench = start();
  bench.node.lock = undefined;
  bench.world.age = new Error("/proc/1/stat does not exist");
  expect(await bench.look()).toBeUndefined();
  expect(bench.words()).toBe("no reboot lock");
});

describe("between the look and the write", () => {
  test("a heartbeat makes it look again at once", async () => {
    const bench = start();
    let beats = 2;
    const api: ReleaseApi = {
      release: async (write) => {
        if (beats > 0) bench.node.touch();
        beats -= 1;
        return bench.node.release(write);
      },
    };
    expect(await bench.look(api)).toBe(1_000);
    expect(await bench.look(api)).toBe(1_000);
    expect(await bench.look(api)).toBeUndefined();
    expect(bench.node.lock).toBeUndefined();
    expect(bench.posted).toHaveLength(1);
  });

  test("somebody takes the lock anew: what is there now is judged, and stays", async () => {
    const bench = start();
    const fresh = { ...RECORD, holder: "carol", bootID: NOW };
    const api: ReleaseApi = {
      release: async (write) => {
        bench.node.take(fresh);
        return bench.node.release(write);
      },
    };
    await bench.look(api);
    expect(await bench.look()).toBeUndefined();
    expect(bench.node.lock).toContain("carol");
    expect(bench.words()).toContain("taken in this boot");
  });

  test("a node that changes each time is tried less often in the end", async () => {
    const bench = start();
    const api: ReleaseApi = { release: async () => ({ kind: "conflict" }) };
    const waits: (number | undefined)[] = [];
    for (let look = 0; look < 9; look += 1) waits.push(await bench.look(api));
    expect(waits).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 5_000, 10_000, 20_000, 40_000]);
  });
});

describe("what fails is told once and tried again", () => {
  test("a refusal", async () => {
    const bench = start();
    let refuse = true;
    const api: ReleaseApi = {
      release: async (write) => {
        if (refuse) throw new Error("forbidden: not rebooted");
        return bench.node.release(write);
      },
    };
    expect([await bench.look(api), await bench.look(api), await bench.look(api)]).toEqual([
      5_000, 10_000, 20_000,
    ]);
    expect(bench.words()).toBe("tried 3 times in vain: forbidden: not rebooted");
    expect(bench.messages()).toEqual(["reboot lock not released; retrying"]);
    expect(bench.posted).toEqual([]);
    refuse = false;
    expect(await bench.look(api)).toBeUndefined();
    expect(bench.node.lock).toBeUndefined();
  });

  test("a boot whose beginning can't be read", async () => {
    const bench = start();
    bench.world.age = new Error("/proc/1/stat does not exist");
    expect(await bench.look()).toBe(5_000);
    expect(bench.node.writes).toEqual([]);
    expect(bench.words()).toContain("/proc/1/stat does not exist");
  });

  test("an answer that is no Node", async () => {
    const bench = start();
    const reading = { uid: "u", raw: { kind: "Status" }, atMillis: 0 };
    expect(await bench.release.look(bench.node, reading, never)).toBe(5_000);
    expect(bench.node.writes).toEqual([]);
  });
});

test("an hour between the clocks changes nothing: the boot is dated by the API server's", async () => {
  for (const hours of [-1, 1]) {
    const bench = start();
    bench.node.nowMillis += hours * 3_600_000;
    const acquiredAt = new Date(bench.node.nowMillis - 660_000).toISOString().replace(/\.\d+Z/, "Z");
    bench.node.take({ ...RECORD, acquiredAt });
    await bench.look();
    expect(bench.node.lock).toBeUndefined();
  }
});

test("where the API is switched off, that is said", () => {
  expect(releaseWords(undefined)).toContain("switched off");
  expect(releaseWords({ kind: "not-looked" })).toContain("not read yet");
});
