import { describe, expect, test } from "vitest";
import { makeLogLines } from "../testing/log-lines.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { makeInhibitor, type Inhibitor } from "./inhibitor.ts";
import type { LockChild } from "./lock-child.ts";

/** A child that does what the test says. */
class FakeChild implements LockChild {
  readonly #taken = Promise.withResolvers<string | undefined>();
  readonly #ended = Promise.withResolvers<string>();
  readonly taken = this.#taken.promise;
  readonly ended = this.#ended.promise;
  released = 0;

  grant(): void {
    this.#taken.resolve(undefined);
  }
  end(reason: string): void {
    this.#taken.resolve(reason);
    this.#ended.resolve(reason);
  }
  release(): void {
    this.released += 1;
    this.end("ended with 0");
  }
}

interface Bench {
  readonly time: VirtualTime;
  readonly inhibitor: Inhibitor;
  readonly children: FakeChild[];
  readonly lines: ReturnType<typeof makeLogLines>["lines"];
  readonly ends: AbortController;
  readonly run: Promise<void>;
  /** What each new child does at once. */
  behave: (child: FakeChild) => void;
  readonly newest: () => FakeChild;
}

function start(behave: (child: FakeChild) => void = (child) => child.grant()): Bench {
  const time = new VirtualTime(1);
  const { log, lines } = makeLogLines();
  const children: FakeChild[] = [];
  const ends = new AbortController();
  const inhibitor = makeInhibitor({
    time,
    log,
    spawn() {
      const child = new FakeChild();
      children.push(child);
      bench.behave(child);
      return child;
    },
  });
  const bench: Bench = {
    time,
    inhibitor,
    children,
    lines,
    ends,
    behave,
    get run() {
      return running;
    },
    newest: () => {
      const child = children.at(-1);
      if (child === undefined) throw new Error("no child was started");
      return child;
    },
  };
  const running = inhibitor.run(ends.signal);
  return bench;
}

describe("the shutdown lock", () => {
  test("is taken at once and held without a timer", async () => {
    const { time, inhibitor, children } = start();
    await time.pass(86_400_000);
    expect(inhibitor.state()).toEqual({ kind: "held", sinceMillis: 0 });
    expect([children.length, time.sleeping, time.sleeps.length]).toEqual([1, 0, 0]);
  });

  test("is not held before the child proves it", async () => {
    const { time, inhibitor, newest } = start(() => {});
    await time.pass(5_000);
    expect(inhibitor.state()).toEqual({ kind: "taking" });
    newest().grant();
    await time.pass(0);
    expect(inhibitor.state().kind).toBe("held");
  });

  test("a missing program is a reason, told once, and tried ever more rarely", async () => {
    const { time, inhibitor, children, lines } = start((child) => child.end("systemd-inhibit is not there"));
    await time.pass(86_400_000);
    expect(inhibitor.state()).toMatchObject({
      kind: "not-held",
      reason: "systemd-inhibit is not there",
      failures: children.length,
    });
    // 1 + 2 + 4 ... + 256 s, then each 300 s.
    expect(children.length).toBeGreaterThan(288);
    expect(children.length).toBeLessThan(300);
    expect(lines).toHaveLength(1);
  });

  test("a spawn that throws is a reason as well", async () => {
    const { time, inhibitor } = start(() => {
      throw new Error("spawn EMFILE");
    });
    await time.pass(0);
    expect(inhibitor.state()).toEqual({ kind: "not-held", reason: "spawn EMFILE", failures: 1 });
  });

  test("is taken again when the child ends", async () => {
    const { time, inhibitor, children, newest } = start();
    await time.pass(3_600_000);
    newest().end("killed");
    await time.pass(0);
    expect(inhibitor.state()).toEqual({ kind: "not-held", reason: "killed", failures: 1 });
    await time.pass(1_000);
    expect([inhibitor.state().kind, children.length]).toEqual(["held", 2]);
  });

  test("a child that gets the lock and dies at once is not started each second", async () => {
    const bench = start((child) => {
      child.grant();
      child.end("dies young");
    });
    await bench.time.pass(3_600_000);
    expect(bench.children.length).toBeLessThan(25);
  });

  test("after a lock that was kept for a minute the waits start short again", async () => {
    const bench = start((child) => child.end("no bus"));
    await bench.time.pass(600_000);
    bench.behave = (child) => child.grant();
    await bench.time.pass(300_000);
    expect(bench.inhibitor.state().kind).toBe("held");
    await bench.time.pass(60_000);
    bench.newest().end("bus restarted");
    await bench.time.pass(0);
    expect(bench.inhibitor.state()).toMatchObject({ failures: 1 });
  });

  test("let go: gone when that resolves, and not taken again until asked", async () => {
    const { time, inhibitor, children, newest } = start();
    await time.pass(0);
    await inhibitor.letGo();
    expect(newest().released).toBe(1);
    await time.pass(86_400_000);
    expect([inhibitor.state().kind, children.length]).toEqual(["released", 1]);
    inhibitor.take();
    await time.pass(0);
    expect([inhibitor.state().kind, children.length]).toEqual(["held", 2]);
  });

  test("let go and taken back while the child still ends: held at once, no failure", async () => {
    const { time, inhibitor, children } = start();
    await time.pass(0);
    const gone = inhibitor.letGo();
    inhibitor.take();
    await gone;
    await time.pass(0);
    expect([inhibitor.state().kind, children.length]).toEqual(["held", 2]);
  });

  test("let go while it is being taken ends the child", async () => {
    const { time, inhibitor, newest } = start(() => {});
    await time.pass(0);
    await inhibitor.letGo();
    await time.pass(3_600_000);
    expect([newest().released, inhibitor.state().kind]).toEqual([1, "released"]);
  });

  test("let go during a long wait stays so", async () => {
    const bench = start((child) => child.end("no bus"));
    await bench.time.pass(600_000);
    const before = bench.children.length;
    await bench.inhibitor.letGo();
    await bench.time.pass(3_600_000);
    expect([bench.children.length, bench.inhibitor.state().kind]).toEqual([before, "released"]);
  });

  test("a lock that logind does not list is taken anew, after a second", async () => {
    const { time, inhibitor, children } = start();
    await time.pass(0);
    inhibitor.renew();
    await time.pass(999);
    expect([children[0]?.released, children.length]).toEqual([1, 1]);
    await time.pass(1);
    expect([inhibitor.state().kind, children.length]).toEqual(["held", 2]);
  });

  test("news cut a long wait short, but a storm of news does not make it a tight loop", async () => {
    const bench = start((child) => child.end("no bus"));
    await bench.time.pass(600_000);
    const before = bench.children.length;
    for (let index = 0; index < 100; index += 1) {
      bench.inhibitor.hurry();
      await bench.time.pass(100);
    }
    expect(bench.children.length - before).toBeGreaterThan(5);
    expect(bench.children.length - before).toBeLessThanOrEqual(11);
  });

  test("the agent's end lets go", async () => {
    const { time, ends, run, newest, inhibitor, lines } = start();
    await time.pass(0);
    ends.abort();
    await run;
    expect([newest().released, inhibitor.state().kind, lines.length]).toEqual([1, "released", 1]);
  });
});
