import { beforeEach, describe, expect, test } from "vitest";
import { VirtualTime } from "../testing/virtual-time.ts";
import {
  prepareForShutdown,
  type PrepareOptions,
  type PrepareOutcome,
  type ShutdownPass,
} from "./prepare.ts";

let time = new VirtualTime();
let cancel = new AbortController();
let released: number[] = [];
beforeEach(() => {
  time = new VirtualTime();
  cancel = new AbortController();
  released = [];
});

const never: () => Promise<never> = async () => new Promise<never>(() => {});

/** Starts it; `outcome` is there when it ended. */
function prepare(pass: ShutdownPass, more: Partial<PrepareOptions> = {}): { outcome?: PrepareOutcome } {
  const result: { outcome?: PrepareOutcome } = {};
  async function run(options: PrepareOptions): Promise<void> {
    result.outcome = await prepareForShutdown(options);
  }
  void run({
    pass,
    time,
    settingMillis: 10_000,
    cancelled: cancel.signal,
    readDelayMaxMillis: async () => 5_000,
    release: async () => void released.push(time.monotonicMillis()),
    ...more,
  });
  return result;
}

describe("between the announcement and the shutdown", () => {
  test("the pass runs, then the lock is let go", async () => {
    const order: string[] = [];
    const result = prepare(
      async (_signal, budgetMillis) => {
        order.push(`pass ${budgetMillis}`);
        await time.sleep(200);
        order.push("end");
      },
      { release: async () => void order.push("release") },
    );
    await time.pass(1_000);
    expect(order).toEqual(["pass 4000", "end", "release"]);
    expect(result.outcome).toEqual({ kind: "done", budgetMillis: 4_000, tookMillis: 200 });
    expect(time.sleeping).toBe(0);
  });

  test("a pass that never ends is told to stop and not waited for: let go 1 s before logind's bound", async () => {
    let stopped: boolean | undefined;
    const result = prepare(async (signal) => {
      signal.addEventListener("abort", () => (stopped = true));
      await never();
    });
    await time.pass(3_999);
    expect([released, stopped]).toEqual([[], undefined]);
    await time.pass(1);
    expect([released, stopped]).toEqual([[4_000], true]);
    expect(result.outcome?.kind).toBe("out-of-time");
  });

  test.each<[string, ShutdownPass]>([
    ["rejects", async () => Promise.reject(new Error("runtime is gone"))],
    [
      "throws",
      () => {
        throw new Error("runtime is gone");
      },
    ],
  ])("a pass that %s: let go all the same", async (_how, pass) => {
    const result = prepare(pass);
    await time.pass(0);
    expect(released).toEqual([0]);
    expect(result.outcome).toMatchObject({ kind: "failed", reason: "runtime is gone" });
  });

  test("time that asking logind takes is taken off, and a logind that does not answer is not waited for", async () => {
    let budget = 0;
    const result = prepare(
      async (_signal, budgetMillis) => {
        budget = budgetMillis;
        await never();
      },
      { readDelayMaxMillis: never },
    );
    await time.pass(300);
    expect(budget).toBe(3_700);
    await time.pass(3_699);
    expect(released).toEqual([]);
    await time.pass(1);
    expect(released).toEqual([4_000]);
    expect(result.outcome?.budgetMillis).toBe(4_000);
  });

  test("logind's refusal to say counts as its default", async () => {
    const result = prepare(async () => {}, {
      readDelayMaxMillis: async () => Promise.reject(new Error("no")),
    });
    await time.pass(0);
    expect(result.outcome).toMatchObject({ kind: "done", budgetMillis: 4_000 });
  });

  test("no time granted: nothing is begun, and the lock let go at once", async () => {
    let begun = false;
    const result = prepare(async () => void (begun = true), { readDelayMaxMillis: async () => 1_000 });
    await time.pass(0);
    expect([begun, released, result.outcome?.kind]).toEqual([false, [0], "no-time"]);
  });

  test("a cancelled shutdown stops the pass", async () => {
    let stopped = false;
    const result = prepare(async (signal) => {
      signal.addEventListener("abort", () => (stopped = true));
      await never();
    });
    await time.pass(100);
    cancel.abort();
    await time.pass(0);
    expect([stopped, released, result.outcome?.kind]).toEqual([true, [100], "cancelled"]);
  });

  test("a lock that can't be let go is told", async () => {
    const result = prepare(async () => {}, { release: async () => Promise.reject(new Error("stuck")) });
    await time.pass(0);
    expect(result.outcome).toMatchObject({ kind: "failed", reason: "let go: stuck" });
  });
});
