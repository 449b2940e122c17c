import { describe, expect, test } from "vitest";
import { FakeBus } from "../testing/fake-bus.ts";
import { makeLogLines } from "../testing/log-lines.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { shutdownMatches } from "./logind.ts";
import { makeLogindWatch } from "./watch.ts";

function start(arrange: (bus: FakeBus) => void = () => {}) {
  const time = new VirtualTime(1);
  const { log, lines } = makeLogLines();
  const bus = new FakeBus();
  arrange(bus);
  const news: boolean[] = [];
  const looks: number[] = [];
  let failing = false;
  const ends = new AbortController();
  const watch = makeLogindWatch({
    connect: bus.connect,
    time,
    log,
    onShutdown: (preparing) => void news.push(preparing),
    async onLogind() {
      looks.push(time.monotonicMillis());
      if (failing) throw new Error("logind's list of inhibitors is null");
    },
  });
  const running = watch.run(ends.signal);
  return {
    time,
    lines,
    bus,
    news,
    looks,
    watch,
    ends,
    running,
    fail: (now: boolean) => {
      failing = now;
    },
  };
}

describe("the watch over logind", () => {
  test("asks for the signals before it looks, and then only looks each five minutes", async () => {
    const { time, bus, watch, looks } = start();
    await time.pass(0);
    expect(bus.rules).toEqual(shutdownMatches);
    expect(watch.state()).toEqual({ kind: "watching" });
    await time.pass(3_600_000);
    expect(bus.connects).toBe(1);
    expect(looks.length).toBe(11);
  });

  test("tells announcements and their end", async () => {
    const { time, bus, news } = start();
    await time.pass(0);
    bus.announce(true);
    bus.announce(false);
    expect(news).toEqual([true, false]);
  });

  test("believes logind alone", async () => {
    const { time, bus, news, lines } = start();
    await time.pass(0);
    bus.announce(true, ":1.66");
    bus.announce("yes");
    expect(news).toEqual([]);
    expect(lines.map((line) => line.msg)).toEqual(["ignored an announcement that is not logind's"]);
    bus.changeOwner(":1.66", ":1.66");
    bus.announce(true, ":1.66");
    expect(news).toEqual([]);
    bus.changeOwner(":1.70");
    bus.announce(true, ":1.5");
    expect(news).toEqual([]);
    bus.announce(true, ":1.70");
    expect(news).toEqual([true]);
  });

  test("looks again when logind is back", async () => {
    const { time, bus, watch, looks } = start();
    await time.pass(1_000);
    bus.changeOwner(undefined);
    await time.pass(0);
    expect(watch.state()).toEqual({ kind: "no-logind" });
    await time.pass(9_000);
    bus.changeOwner(":1.9");
    await time.pass(0);
    expect([watch.state().kind, looks]).toEqual(["watching", [0, 10_000]]);
  });

  test("a bus that restarts is found again within half a second", async () => {
    const { time, bus, watch, looks } = start();
    await time.pass(100_000);
    expect(watch.connection()).toBeDefined();
    bus.drop();
    expect(watch.connection()).toBeUndefined();
    await time.pass(0);
    expect(watch.state()).toEqual({ kind: "no-bus", reason: "bus ended the connection", failures: 1 });
    expect(watch.connection()).toBeUndefined();
    await time.pass(500);
    expect([watch.state().kind, looks]).toEqual(["watching", [0, 100_500]]);
  });

  test("without a bus it asks ever more rarely, and says so once", async () => {
    const { time, bus, lines, watch } = start((made) => {
      made.refusal = new Error("connect to bus", { cause: new Error("connect ENOENT") });
    });
    await time.pass(86_400_000);
    expect(watch.state()).toMatchObject({ kind: "no-bus", reason: "connect to bus: connect ENOENT" });
    expect(bus.connects).toBeLessThan(300);
    expect(lines).toHaveLength(1);
  });

  test("a bus that ends each connection at once is not asked twice a second", async () => {
    const { time, bus, ends, running } = start();
    for (let second = 0; second < 600; second += 1) {
      bus.drop();
      await time.pass(1_000);
    }
    expect(bus.connects).toBeLessThan(15);
    ends.abort();
    await time.pass(0);
    await running;
  });

  test.each(["connect", "org.freedesktop.login1"])("a bus that hangs (%s) is left after 5 s", async (at) => {
    const { time, bus, watch } = start((made) => made.hanging.add(at));
    await time.pass(4_999);
    expect(watch.state().kind).toBe("connecting");
    await time.pass(1);
    expect(watch.state()).toMatchObject({ kind: "no-bus", reason: "no answer within 5000 ms" });
    bus.hanging.clear();
    await time.pass(500);
    expect(watch.state().kind).toBe("watching");
  });

  test("a look that fails is a reason, and leads to a new connection", async () => {
    const { time, bus, watch, fail } = start();
    await time.pass(0);
    fail(true);
    await time.pass(330_000);
    expect(watch.state()).toMatchObject({ kind: "no-bus", reason: "logind's list of inhibitors is null" });
    fail(false);
    await time.pass(1_000);
    expect([watch.state().kind, bus.connects]).toEqual(["watching", 2]);
  });

  test("the agent's end is the connection's", async () => {
    const { time, watch, ends, running } = start();
    await time.pass(0);
    const connection = watch.connection();
    ends.abort();
    await time.pass(0);
    await running;
    expect([connection?.closed.aborted, watch.connection(), time.sleeping]).toEqual([true, undefined, 0]);
  });
});
