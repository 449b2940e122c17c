import { symlinkSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ProveLiveness } from "./liveness/liveness.ts";
import { DEFAULT_CNI_SETTINGS, type CniSettings } from "./settings.ts";
import { FakeApply } from "./testing/fake-apply.ts";
import { NodeFiles } from "./testing/node-files.ts";
import { proven } from "./testing/proven.ts";
import { makeCniWorker, type CniEnd, type CniWorker } from "./worker.ts";

let files: NodeFiles;
let warnings: string[];
let ends: CniEnd[];
beforeEach(() => {
  files = new NodeFiles();
  [warnings, ends] = [[], []];
});
afterEach(() => files.close());

interface Arranged {
  readonly prove?: ProveLiveness;
  readonly settings?: Partial<CniSettings>;
  readonly budgetMillis?: number;
  readonly onEnd?: (end: CniEnd) => void;
}

function worker({
  prove = async () => proven(),
  settings,
  budgetMillis = 60_000,
  onEnd,
}: Arranged = {}): CniWorker {
  return makeCniWorker({
    hostRoot: files.root,
    stateDir: files.path("/state"),
    bootID: { kind: "known", bootID: "boot-1" },
    settings: { ...DEFAULT_CNI_SETTINGS, ...settings },
    budgetMillis,
    ports: {
      prove,
      apply: new FakeApply(prove, files.path("/quarantine")),
      quarantine: undefined,
      stopSandbox: async () => ({ kind: "stopped" }),
      repairObstacle: () => undefined,
      monotonicMillis: () => performance.now(),
      wallMillis: () => 0,
      log: { info: () => {}, warn: (_fields, message) => void warnings.push(message) },
    },
    onEnd: onEnd ?? ((end) => void ends.push(end)),
  });
}

const never = new AbortController().signal;

test("a pass, told once it is over", async () => {
  const made = worker();
  expect(made.last()).toBeUndefined();
  const end = await made.run(never);
  expect([end.result, ends, made.last()]).toEqual(["done", [end], end]);
});

test("one at a time, in order", async () => {
  let [atOnce, most] = [0, 0];
  const made = worker({
    prove: async () => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce -= 1;
      return proven();
    },
  });
  await Promise.all([made.run(never), made.run(never), made.run(never)]);
  expect([most, ends.length]).toEqual([1, 3]);
});

test("all switched off, nobody is asked", async () => {
  const off = { leases: "off", caches: "off", sandboxRepair: "off" } as const;
  const prove = async () => Promise.reject(new Error("asked"));
  expect(await worker({ prove, settings: off }).run(never)).toEqual({
    result: "off",
    seconds: 0,
    report: undefined,
  });
});

test("what can't be proven, and what can't be read", async () => {
  const reason = "containerd: no answer";
  const unproven = worker({ prove: async () => ({ kind: "unproven", reason }) });
  expect((await unproven.run(never)).result).toBe("unproven");
  symlinkSync("loop", files.path("/loop"));
  expect((await worker({ settings: { dataDirs: ["/loop"] } }).run(never)).result).toBe("partly-read");
});

test("cut before it began, and by its end: the last whole one stands", async () => {
  const made = worker();
  const first = await made.run(never);
  expect((await made.run(AbortSignal.abort())).result).toBe("cut");
  const stop = new AbortController();
  const cut = worker({
    prove: async () => {
      stop.abort();
      return proven();
    },
  });
  expect((await cut.run(stop.signal)).result).toBe("cut");
  expect([made.last(), cut.last()]).toEqual([first, undefined]);
});

test("an error that nobody foresaw is told and ends nothing", async () => {
  let broken = true;
  const made = worker({
    prove: async () => {
      if (broken) throw new Error("a bug");
      return proven();
    },
  });
  expect((await made.run(never)).result).toBe("failed");
  broken = false;
  expect([(await made.run(never)).result, warnings]).toEqual(["done", ["CNI pass failed"]]);
});

test("a follow-up that fails is told and holds up no pass", async () => {
  const made = worker({
    onEnd: () => {
      throw new Error("a bug");
    },
  });
  expect([(await made.run(never)).result, (await made.run(never)).result]).toEqual(["done", "done"]);
  expect(new Set(warnings)).toEqual(new Set(["CNI pass not followed up"]));
});

test("a memory that is corrupt is told", async () => {
  files.write("/state/leases.json", "{");
  await worker().run(never);
  expect(warnings).toEqual(["what was remembered of leases can't be read; stale ones go ten minutes later"]);
});
