/** A whole agent that is told to end, or that the node is going down. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentKit, leaveStuck, ready, until, type RunningAgent } from "./testing/agent-kit.ts";

let kit: AgentKit;
beforeEach(async () => {
  kit = await AgentKit.open();
  // Five seconds may pass here without anybody's fault.
  kit.bus.delayMaxMicros = 60_000_000n;
});
afterEach(async () => kit.close());

const QUIET = ["--boot-pass=off", "--steady-pass=off", "--shutdown-budget=1m"];

/** An agent that has found its runtime: at a shutdown it does not look for long. */
async function startQuiet(): Promise<RunningAgent> {
  const agent = await kit.start(QUIET);
  await until(async () => (await ready(agent)).text.includes("[+]runtimes ok"));
  return agent;
}

test("a rollout's SIGTERM removes nothing", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const agent = await startQuiet();
  await until(async () => (await ready(agent)).text.includes("shutdown lock held"));
  agent.term();
  await agent.ended;
  expect(runtime.fake.containers.has(stuck)).toBe(true);
  expect(agent.lines.filter(({ msg }) => msg === "SIGTERM")).toMatchObject([{ kind: "leave" }]);
});

test("a SIGTERM while systemd stops the node removes what is stuck", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const agent = await startQuiet();
  await until(async () => (await ready(agent)).text.includes("watching logind"));
  kit.bus.systemState = "stopping";
  agent.term();
  await agent.ended;
  expect(runtime.fake.containers.has(stuck)).toBe(false);
});

test("an announced shutdown: the pass, then the lock is let go", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const agent = await startQuiet();
  await until(async () => (await ready(agent)).text.includes("shutdown lock held"));
  expect(runtime.fake.containers.has(stuck)).toBe(true);
  kit.bus.announce(true);
  await until(async () => (await ready(agent)).text.includes("shutdown lock let go"));
  expect(runtime.fake.containers.has(stuck)).toBe(false);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(metrics).toContain("nodelatch_agent_shutdown_lock_held 0");
  expect(metrics).toContain('nodelatch_agent_passes_total{phase="shutdown",result="read"} 1');
});

test("a shutdown that is taken back cuts its pass", async () => {
  const { fake } = await kit.runtime();
  const agent = await startQuiet();
  await until(async () => (await ready(agent)).text.includes("shutdown lock held"));
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<Buffer>();
  fake.override("ListContainers", async () => {
    asked.resolve();
    return never.promise;
  });
  kit.bus.announce(true);
  await asked.promise;
  kit.bus.announce(false);
  // A list that nobody cuts is waited for longer than logind waits.
  await until(() => agent.lines.some(({ phase, result }) => phase === "shutdown" && result === "cut"));
  await until(async () => (await ready(agent)).text.includes("shutdown lock held"));
  expect((await ready(agent)).text).toContain("last clean-up was stopped");
});

test("switched off, it holds no lock and an announced shutdown changes nothing", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const agent = await kit.start([...QUIET, "--shutdown-pass=off"]);
  kit.bus.announce(true);
  await delay(100);
  expect(kit.bus.connects).toBe(0);
  agent.term();
  await agent.ended;
  expect(runtime.fake.containers.has(stuck)).toBe(true);
});
