import { describe, expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { askDates, datesToAsk } from "./dates.ts";
import { container, look, sandbox, WEB } from "./fixture.ts";
import { observe, sandboxConditionOf } from "./observation.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { WALL_NANOS } from "./testing/pass-kit.ts";

const open = () => new AbortController().signal;

function ticking() {
  let now = 0;
  return { monotonicMillis: () => (now += 10), wallNanos: () => WALL_NANOS };
}

describe("one look", () => {
  test("holds the runtime's own list and the state of each sandbox", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const made = runtime.create(runtime.runSandbox(WEB), "app", 3);
    const observation = await observe(runtime, ticking(), 1_000, open());
    expect(observation.containers).toEqual([
      {
        id: made.id,
        sandboxID: made.sandboxID,
        pod: WEB,
        name: "app",
        attempt: 3,
        state: "created",
        createdAtNanos: WALL_NANOS,
      },
    ]);
    expect([...observation.sandboxes]).toEqual([[made.sandboxID, { state: "ready", podUID: WEB.uid }]]);
    expect(observation.wallNanos).toBe(WALL_NANOS);
  });

  test("knows when it asked for the containers and when it had them", async () => {
    const { askedAtMillis, listedAtMillis } = await observe(new FakeRuntime(1n), ticking(), 1_000, open());
    expect([askedAtMillis, listedAtMillis]).toEqual([10, 20]);
  });

  test("never misses the sandbox of a container that is made while it looks", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.before = () => {
      runtime.create(runtime.runSandbox(WEB), "app", runtime.calls.length);
    };
    const observation = await observe(runtime, ticking(), 1_000, open());
    expect(observation.containers).toHaveLength(1);
    expect(observation.containers.map((one) => sandboxConditionOf(one, observation))).toEqual(["ready"]);
  });

  test.each(["listContainers", "listSandboxes"] as const)("is none if %s fails", async (method) => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const refused = new RuntimeError("unavailable", "refused");
    runtime.before = (call) => {
      if (call.method === method) throw refused;
    };
    await expect(observe(runtime, ticking(), 1_000, open())).rejects.toBe(refused);
  });

  test.each([
    ["listContainers", "list containers"],
    ["listSandboxes", "list sandboxes"],
  ] as const)("is none if %s hangs", async (method, words) => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.before = (call) => (call.method === method ? new Promise(() => {}) : undefined);
    await expect(observe(runtime, ticking(), 10, open())).rejects.toThrow(
      `fake at /run/fake.sock: ${words}: no answer within 10 ms`,
    );
  });
});

test("a sandbox has the state that is listed, or is missing", () => {
  const observation = look([], 0, [
    sandbox(),
    sandbox({ id: "dead", state: "not-ready" }),
    sandbox({ id: "new", state: "unrecognized" }),
  ]);
  const conditions = ["ready", "dead", "new", "other"].map((sandboxID) =>
    sandboxConditionOf(container({ sandboxID }), observation),
  );
  expect(conditions).toEqual(["ready", "not-ready", "unrecognized", "missing"]);
});

describe("lost dates", () => {
  test("are asked for where another attempt makes them matter, and nowhere else", () => {
    const lost = (id: string, part: object) => container({ id, createdAtNanos: 0n, ...part });
    const asked = datesToAsk(
      look([
        lost("has a sibling", { name: "a" }),
        container({ id: "sibling", name: "a", attempt: 1 }),
        lost("alone", { name: "b" }),
        lost("no pod", { name: "a", pod: undefined }),
        lost("other pod", { name: "a", pod: { ...WEB, uid: "other" } }),
        lost("zero of Go", { name: "a", attempt: 2, createdAtNanos: -6_795_364_578_871_345_152n }),
      ]),
    );
    expect(asked.map(({ id }) => id)).toEqual(["has a sibling", "zero of Go"]);
  });

  test("are asked for in bounded number", () => {
    const many = Array.from({ length: 500 }, (_, attempt) =>
      container({ id: `c${attempt}`, attempt, createdAtNanos: 0n }),
    );
    expect(datesToAsk(look(many))).toHaveLength(64);
  });

  test("come from the status; what fails, hangs or is gone stays unknown", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const sandboxID = runtime.runSandbox(WEB);
    const [known, failing, hanging, gone] = [0, 1, 2, 3].map((attempt) =>
      runtime.create(sandboxID, "app", attempt, { dateLost: true }),
    );
    const listed = await runtime.listContainers(open());
    if (gone !== undefined) runtime.containers.delete(gone.id);
    runtime.before = ({ id }) => {
      if (id === failing?.id) throw new RuntimeError("other", "no");
      return id === hanging?.id ? new Promise(() => {}) : undefined;
    };
    expect([...(await askDates(runtime, listed, 10, open()))]).toEqual([[known?.id, WALL_NANOS]]);
  });
});
