import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeBus } from "../testing/fake-bus.ts";
import { makeLogLines } from "../testing/log-lines.ts";
import { realTime } from "../time.ts";
import { makeShutdownGuard, type ShutdownGuard } from "./guard.ts";

let folder = "";
let ends = new AbortController();
let running: Promise<void> = Promise.resolve();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-guard-"));
  ends = new AbortController();
});
afterEach(async () => {
  ends.abort();
  await running;
  await rm(folder, { recursive: true, force: true });
});

interface Bench {
  readonly bus: FakeBus;
  readonly guard: ShutdownGuard;
  /** What each pass did last: "began", "ended", "stopped". */
  readonly passes: string[];
}

async function start(arrange: (bus: FakeBus) => void = () => {}, passMillis = 20): Promise<Bench> {
  const lock = join(folder, "systemd-inhibit");
  await writeFile(lock, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${folder}/asked\nexec cat\n`);
  await chmod(lock, 0o755);
  const bus = new FakeBus();
  arrange(bus);
  const passes: string[] = [];
  const guard = makeShutdownGuard({
    connect: bus.connect,
    lockCommand: [lock],
    maxPassMillis: 10_000,
    time: realTime,
    log: makeLogLines().log,
    async pass(signal) {
      const index = passes.push("began") - 1;
      await realTime.sleep(passMillis, signal);
      passes[index] = signal.aborted ? "stopped" : "ended";
    },
  });
  return { bus, guard, passes };
}

async function run(bench: Bench): Promise<void> {
  running = bench.guard.run(ends.signal);
  await until(() => bench.guard.state().bus.kind !== "connecting");
}

async function held({ guard }: Bench): Promise<void> {
  await until(() => guard.state().lock.kind === "held");
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries += 1) {
    if (tries > 3_000) throw new Error("waited 30 s in vain");
    await delay(10);
  }
}

/** The reasons given with the locks asked for so far; each names its agent. */
async function asked(): Promise<readonly string[]> {
  const text = await readFile(join(folder, "asked"), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => (line.startsWith("--why=") ? [line.slice(6)] : []));
}

describe("the guard over shutdowns", () => {
  test("an announcement: the pass, then the lock is let go; told twice, done once", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    bench.bus.announce(true);
    await until(() => bench.guard.state().last !== undefined);
    expect(bench.passes).toEqual(["ended"]);
    expect(bench.guard.state()).toMatchObject({
      lock: { kind: "released" },
      announced: true,
      last: { kind: "done", budgetMillis: 4_000 },
    });
  });

  test("taken back and announced again: the lock again, the pass again", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    await until(() => bench.guard.state().lock.kind === "released");
    bench.bus.announce(false);
    await held(bench);
    bench.bus.announce(true);
    await until(() => bench.guard.state().lock.kind === "released");
    expect(bench.passes).toEqual(["ended", "ended"]);
    expect(await asked()).toHaveLength(2);
  });

  test("taken back while the pass runs: the pass is stopped and the lock held", async () => {
    const bench = await start(() => {}, 60_000);
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    await until(() => bench.passes.length === 1);
    bench.bus.announce(false);
    await until(() => bench.guard.state().last !== undefined);
    await held(bench);
    expect(bench.passes).toEqual(["stopped"]);
    expect(bench.guard.state()).toMatchObject({ announced: false, last: { kind: "cancelled" } });
  });

  test("a shutdown announced before the agent came is seen at the first look", async () => {
    const bench = await start((bus) => (bus.preparing = true));
    await run(bench);
    await until(() => bench.passes.length === 1);
    expect(bench.guard.state().announced).toBe(true);
  });

  test("a shutdown that was taken back while the bus was away is seen at the next look", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    await until(() => bench.guard.state().lock.kind === "released");
    bench.bus.drop();
    await held(bench);
    expect(bench.guard.state().announced).toBe(false);
  });

  test("a lock that logind does not list is taken anew, one that it lists is kept", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    const [why = ""] = await asked();
    expect(why).toMatch(/^remove stuck containers before the node goes down \[[0-9a-f]{8}\]$/);
    bench.bus.inhibitors = [["shutdown", "nodelatch", why, "delay", 0, 7]];
    bench.bus.changeOwner(":1.8");
    await delay(200);
    expect(await asked()).toHaveLength(1);
    const other = why.replace(/\[.*\]/, "[00000000]");
    bench.bus.inhibitors = [["shutdown", "nodelatch", other, "delay", 0, 7]];
    bench.bus.changeOwner(":1.9");
    await until(() => bench.guard.state().lock.kind !== "held");
    await held(bench);
    expect(await asked()).toHaveLength(2);
  });

  test("the agent's end lets go of the lock and removes nothing", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    ends.abort();
    await running;
    expect(bench.passes).toEqual([]);
    expect(bench.guard.state().lock.kind).toBe("released");
  });
});

describe("SIGTERM", () => {
  test.each<[string, (bus: FakeBus) => void, string[]]>([
    ["in a rollout", () => {}, []],
    ["without a bus", (bus) => (bus.refusal = new Error("ENOENT")), []],
    ["with a bus that hangs", (bus) => bus.hanging.add("connect"), []],
    ["with a logind that hangs", (bus) => bus.hanging.add("PreparingForShutdown"), []],
    ["with a logind that talks nonsense", (bus) => (bus.preparing = "true"), []],
    ["while logind prepares", (bus) => (bus.preparing = true), ["ended"]],
    ["while systemd stops", (bus) => (bus.systemState = "stopping"), ["ended"]],
    [
      "while systemd stops and logind is gone",
      (bus) => {
        bus.preparing = undefined;
        bus.systemState = "stopping";
      },
      ["ended"],
    ],
  ])("%s", async (_when, arrange, passes) => {
    const bench = await start(arrange);
    const before = performance.now();
    const outcome = await bench.guard.onTerm();
    expect(bench.passes).toEqual(passes);
    expect(outcome.decision.kind).toBe(passes.length > 0 ? "clean" : "leave");
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  test("after an announcement, with a bus that went down meanwhile, cleans", async () => {
    const bench = await start();
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    await until(() => bench.guard.state().last !== undefined);
    bench.bus.refusal = new Error("ENOENT");
    bench.bus.drop();
    expect((await bench.guard.onTerm()).decision.kind).toBe("clean");
    expect(bench.passes).toEqual(["ended", "ended"]);
  });

  test("while a pass runs waits for it instead of starting another", async () => {
    const bench = await start(() => {}, 300);
    await run(bench);
    await held(bench);
    bench.bus.announce(true);
    bench.bus.preparing = true;
    await until(() => bench.passes.length === 1);
    expect(await bench.guard.onTerm()).toMatchObject({ pass: { kind: "done" } });
    expect(bench.passes).toEqual(["ended"]);
  });
});
