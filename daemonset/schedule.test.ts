import { describe, expect, test } from "vitest";
import { VirtualTime } from "./host/testing/virtual-time.ts";
import type { PassEnd, PassResult } from "./passes.ts";
import { runSchedule } from "./schedule.ts";

const MINUTE = 60_000;

interface Bench {
  readonly time: VirtualTime;
  /** Phase and time in seconds of each pass. */
  readonly passes: string[];
  readonly done: number[];
  readonly steps: number[];
  changed: boolean;
  stop(): Promise<void>;
}

function start(
  isNewBoot: boolean,
  answer: (count: number) => Partial<PassEnd> = () => ({}),
  passMillis = 0,
): Bench {
  const time = new VirtualTime();
  const stop = new AbortController();
  const bench: Bench = {
    time,
    passes: [],
    done: [],
    steps: [],
    changed: false,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
  const ended = runSchedule(
    {
      isNewBoot,
      pass: async (phase) => {
        bench.passes.push(`${phase} ${time.monotonicMillis() / 1_000}`);
        if (passMillis > 0) await time.sleep(passMillis);
        const part = answer(bench.passes.length);
        return { phase, result: "read", unsettled: false, seconds: 0, report: undefined, ...part };
      },
      onBootDone: async () => void bench.done.push(time.monotonicMillis()),
      onStep: (millis) => bench.steps.push(millis),
      runtimesChanged: () => {
        const { changed } = bench;
        bench.changed = false;
        return changed;
      },
      steadyIntervalMillis: 10 * MINUTE,
      steadyGraceMillis: 10_000,
      time,
    },
    stop.signal,
  );
  return bench;
}

describe("after a boot", () => {
  test("passes at 0, 10, 30, 60, 90, 120 and 180 s, then each ten minutes", async () => {
    const bench = start(true);
    await bench.time.pass(30 * MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual([
      ...[0, 10, 30, 60, 90, 120, 180].map((second) => `boot ${second}`),
      "steady 780",
      "steady 1380",
    ]);
    expect(bench.done).toEqual([180_000]);
  });

  test("they count from the first that could read a runtime", async () => {
    const bench = start(true, (count) => (count <= 3 ? { result: "no-runtime" } : {}));
    await bench.time.pass(5 * MINUTE);
    await bench.stop();
    // Retried after 1, 2 and 4 s, each times 0.75.
    const first = 0.75 + 1.5 + 3;
    expect(bench.passes.slice(3)).toEqual(
      [0, 10, 30, 60, 90, 120, 180].map((second) => `boot ${first + second}`),
    );
  });

  test.each(["no-runtime", "unread", "failed", "cut"] satisfies PassResult[])(
    "as long as each is %s the boot is not done, and nothing is tried more than twice a minute or so",
    async (result) => {
      const bench = start(true, () => ({ result }));
      await bench.time.pass(60 * MINUTE);
      await bench.stop();
      expect(bench.done).toEqual([]);
      expect(bench.passes.length).toBeGreaterThan(100);
      expect(bench.passes.length).toBeLessThan(180);
    },
  );

  test("with several runtimes one that can't be read does not hold it up", async () => {
    const bench = start(true, () => ({ result: "partly-read" }));
    await bench.time.pass(4 * MINUTE);
    await bench.stop();
    expect(bench.done).toEqual([180_000]);
  });

  test("passes that a slow one overtakes are left out, but never the last", async () => {
    const bench = start(true, () => ({}), 45_000);
    await bench.time.pass(4 * MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual(["boot 0", "boot 60", "boot 120", "boot 180"]);
    const slower = start(true, () => ({}), 400_000);
    await slower.time.pass(14 * MINUTE);
    await slower.stop();
    expect(slower.passes).toEqual(["boot 0", "boot 400"]);
    expect(slower.done).toEqual([800_000]);
  });

  test("switched off, the boot is done at once", async () => {
    const bench = start(true, () => ({ result: "off" }));
    await bench.time.pass(MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual(["boot 0"]);
    expect(bench.done).toEqual([0]);
  });

  test("an end between two passes leaves the boot undone", async () => {
    const bench = start(true);
    await bench.time.pass(150_000);
    await bench.stop();
    expect(bench.passes).toHaveLength(6);
    expect(bench.done).toEqual([]);
  });
});

describe("in a boot that is done", () => {
  test("one pass at once, then each ten minutes", async () => {
    const bench = start(false);
    await bench.time.pass(21 * MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual(["steady 0", "steady 600", "steady 1200"]);
    expect(bench.done).toEqual([]);
  });

  test("what was seen too briefly is looked at again soon, ever more rarely if it does not settle", async () => {
    const bench = start(false, () => ({ unsettled: true }));
    await bench.time.pass(30 * MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual([0, 11, 33, 77, 165, 341, 693, 1293].map((second) => `steady ${second}`));
  });

  test("a runtime that comes or goes is looked at within ten seconds", async () => {
    const bench = start(false);
    await bench.time.pass(65_000);
    bench.changed = true;
    await bench.time.pass(MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual(["steady 0", "steady 70"]);
  });

  test("failed passes are retried, at last each few minutes", async () => {
    const bench = start(false, () => ({ result: "unread" }));
    await bench.time.pass(60 * MINUTE);
    await bench.stop();
    expect(bench.passes[1]).toBe("steady 3.75");
    expect(bench.passes.length).toBeLessThan(25);
  });

  test("switched off, it never wakes for runtimes", async () => {
    const bench = start(false, () => ({ result: "off" }));
    bench.changed = true;
    await bench.time.pass(5 * MINUTE);
    await bench.stop();
    expect(bench.passes).toEqual(["steady 0"]);
  });

  test("no step is announced as longer than ten seconds", async () => {
    const bench = start(false);
    await bench.time.pass(11 * MINUTE);
    await bench.stop();
    expect(Math.max(...bench.steps)).toBe(10_000);
  });
});
