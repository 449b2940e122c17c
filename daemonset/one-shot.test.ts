import { afterEach, beforeEach, expect, test } from "vitest";
import { realTime } from "./host/time.ts";
import { runOnce } from "./one-shot.ts";
import { AgentKit, captureLog, leaveRunning, leaveStuck, POD, type Line } from "./testing/agent-kit.ts";

let kit: AgentKit;
beforeEach(async () => {
  kit = await AgentKit.open();
});
afterEach(async () => kit.close());

interface Once {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function once(phase: "boot" | "shutdown", { flags = [], env = {} }: Once = {}) {
  const { log, lines } = captureLog();
  const printed: string[] = [];
  const code = await runOnce({
    phase,
    config: kit.config(flags, env),
    world: kit.world(realTime),
    log,
    print: (text) => printed.push(text),
    signal: new AbortController().signal,
  });
  return { code, printed, lines };
}

test.each(["boot", "shutdown"] as const)("%s removes what is stuck and prints it", async (phase) => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const runs = await leaveRunning(runtime);
  const { code, printed } = await once(phase);
  expect(code).toBe(0);
  expect([...runtime.fake.containers.keys()]).toEqual([runs]);
  expect(printed).toHaveLength(1);
  expect(printed[0]).toContain(`containers, ${phase} pass at`);
  expect(printed[0]).toContain(`default/web app attempt 0 (${stuck.slice(0, 12)}): removed in`);
});

test("as JSON", async () => {
  await leaveStuck(await kit.runtime());
  const { code, printed } = await once("boot", { flags: ["--output=json"] });
  const report: unknown = JSON.parse(printed[0] ?? "");
  expect(report).toMatchObject({
    phase: "boot",
    mode: "on",
    result: "read",
    runtimes: [{ kind: "read", removals: [{ rule: "created-in-dead-sandbox", outcome: "removed" }] }],
  });
  expect(code).toBe(0);
});

test("what one look does not prove is looked at twice", async () => {
  const { fake, driver } = await kit.runtime();
  const sandboxID = await driver.runSandbox(POD, 0);
  const id = await driver.createContainer(sandboxID, POD, { name: "app", attempt: 0 });
  const { code, printed } = await once("boot", { flags: ["--boot-grace=1s"] });
  expect(printed).toHaveLength(2);
  expect(printed[0]).toContain("1 seen-too-briefly");
  expect(fake.containers.has(id)).toBe(false);
  expect(code).toBe(0);
});

test("no runtime is a failure", async () => {
  const { code, printed } = await once("boot");
  expect(code).toBe(1);
  expect(printed[0]).toContain("no container runtime was found");
});

test("a runtime that can't be read is a failure", async () => {
  const { fake } = await kit.runtime();
  fake.override("ListContainers", async () => Promise.reject(new Error("broken")));
  const { code, printed } = await once("boot");
  expect(code).toBe(1);
  expect(printed[0]).toContain("could not be read");
});

test("a container that can't be removed is a failure", async () => {
  const runtime = await kit.runtime();
  const container = runtime.fake.containers.get(await leaveStuck(runtime));
  if (container !== undefined) container.busy = "removing";
  const { code, printed } = await once("boot");
  expect(code).toBe(1);
  expect(printed[0]).toContain("1 busy");
});

test("its own pod unknown: nothing is removed, said and a failure", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const { code, lines } = await once("boot", { env: { POD_UID: "" } });
  expect(code).toBe(1);
  expect(runtime.fake.containers.has(stuck)).toBe(true);
  expect(lines.map(({ msg }: Line) => msg)).toContain(
    "own pod is not known, so nothing will be removed; set POD_UID, or by-hand outside of pods",
  );
  expect((await once("boot", { flags: ["--by-hand=true"], env: { POD_UID: "" } })).code).toBe(0);
  expect(runtime.fake.containers.has(stuck)).toBe(false);
});

test("switched off is no failure", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const { code, printed } = await once("shutdown", { flags: ["--shutdown-pass=off"] });
  expect(code).toBe(0);
  expect(printed).toEqual(["containers, shutdown pass: switched off"]);
  expect(runtime.fake.containers.has(stuck)).toBe(true);
});
