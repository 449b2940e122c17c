import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unlockedNode } from "./release/testing/own-node.ts";
import {
  AgentKit,
  BOOT_ID,
  leaveRunning,
  leaveStuck,
  OTHER_BOOT_ID,
  ready,
  until,
  type Line,
} from "./testing/agent-kit.ts";

/** Three minutes of boot passes take a second. */
const FAST = 200;

let kit: AgentKit;
beforeEach(async () => {
  kit = await AgentKit.open();
});
afterEach(async () => kit.close());

const phases = (lines: readonly Line[]): readonly unknown[] =>
  lines.filter(({ msg, result }) => msg === "pass" && result === "read").map(({ phase }) => phase);

const marker = async (): Promise<string | undefined> =>
  readFile(join(kit.folder, "nodelatch/boot"), "utf8").catch(() => undefined);

const journal = async (): Promise<string> =>
  readFile(join(kit.folder, "state/journal.json"), "utf8").catch(() => "");

describe("after a boot", () => {
  test("passes heal a stuck container, then the boot is marked as done", async () => {
    const runtime = await kit.runtime();
    const stuck = await leaveStuck(runtime);
    const runs = await leaveRunning(runtime);
    const agent = await kit.start(["--shutdown-pass=off"], FAST);
    await until(() => !runtime.fake.containers.has(stuck));
    expect(await marker()).toBeUndefined();
    await until(async () => (await marker()) === `${BOOT_ID}\n`);
    // Seven of them, but for those that a busy machine overtakes, never the last: schedule.test.ts counts them.
    expect(phases(agent.lines).length).toBeGreaterThan(1);
    expect(new Set(phases(agent.lines))).toEqual(new Set(["boot"]));
    expect([...runtime.fake.containers.keys()]).toEqual([runs]);
    const { status, text } = await ready(agent);
    expect(text).toContain("the first boot that is seen on this node; its passes are done");
    expect(status).toBe(200);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toMatch(/nodelatch_agent_passes_total\{phase="boot",result="read"\} [2-7]\n/);
    expect(metrics).toContain(
      'nodelatch_agent_removals_total{rule="created-in-dead-sandbox",outcome="removed"} 1',
    );
    expect(metrics).toContain("nodelatch_agent_boot_passes_complete 1");
    expect(metrics).toContain('nodelatch_agent_runtime_up{runtime="containerd"} 1');
  });

  test("an agent that restarts in the same boot makes no boot pass", async () => {
    const runtime = await kit.runtime();
    const stuck = await leaveStuck(runtime);
    await mkdir(join(kit.folder, "nodelatch"));
    await writeFile(join(kit.folder, "nodelatch/boot"), `${BOOT_ID}\n`);
    const agent = await kit.start(["--shutdown-pass=off", "--steady-pass=report"], FAST);
    await until(() => phases(agent.lines).length > 0);
    expect(phases(agent.lines)).toEqual(["steady"]);
    expect(runtime.fake.containers.has(stuck)).toBe(true);
    expect((await ready(agent)).text).toContain("as before the agent's start; its passes are done");
  });

  test("a marker of another boot is none", async () => {
    await kit.runtime();
    await mkdir(join(kit.folder, "nodelatch"));
    await writeFile(join(kit.folder, "nodelatch/boot"), `${OTHER_BOOT_ID}\n`);
    const agent = await kit.start(["--shutdown-pass=off"], FAST);
    await until(() => phases(agent.lines).length > 0);
    expect(phases(agent.lines)[0]).toBe("boot");
  });

  test("where the run directory can't be written, the journal knows that the boot is done with", async () => {
    await kit.runtime();
    await writeFile(join(kit.folder, "nodelatch"), "a file in its place");
    const first = await kit.start(["--shutdown-pass=off"], FAST);
    await until(() => first.lines.some(({ msg }) => msg === "boot not marked as done; the journal has it"));
    // At its end the agent waits for the journal, but not long where time is fast.
    await until(async () => (await journal()).includes(BOOT_ID));
    first.term();
    await first.ended;
    await rm(join(kit.folder, "nodelatch"));
    const second = await kit.start(["--shutdown-pass=off"], FAST);
    await until(() => phases(second.lines).length > 0);
    expect(phases(second.lines)).toEqual(["steady"]);
    second.term();
    await second.ended;
    kit.bootID = OTHER_BOOT_ID;
    const third = await kit.start(["--shutdown-pass=off"], FAST);
    await until(() => phases(third.lines).length > 0);
    expect(third.lines.find(({ msg }) => msg === "boot")).toMatchObject({
      kind: "new-boot",
      previousBootID: BOOT_ID,
    });
    expect(phases(third.lines)[0]).toBe("boot");
  });

  test("an agent that ended between two boot passes begins again", async () => {
    await kit.runtime();
    // Slow enough to end before the last one, whatever stops this process meanwhile.
    const first = await kit.start(["--shutdown-pass=off"], FAST / 10);
    await until(() => phases(first.lines).length > 1);
    first.term();
    await first.ended;
    expect(await marker()).toBeUndefined();
    const second = await kit.start(["--shutdown-pass=off"], FAST);
    await until(async () => (await marker()) !== undefined);
    expect(phases(second.lines).length).toBeGreaterThan(1);
    expect(new Set(phases(second.lines))).toEqual(new Set(["boot"]));
  });

  test("a pass that takes its time is no reason to restart the agent", async () => {
    const { fake } = await kit.runtime();
    const asked = Promise.withResolvers<void>();
    const never = Promise.withResolvers<Buffer>();
    fake.override("ListContainers", async () => {
      asked.resolve();
      return never.promise;
    });
    const agent = await kit.start(["--shutdown-pass=off", "--pass-budget=1h"], FAST);
    await asked.promise;
    // Three minutes of the agent's time.
    await delay(900);
    expect((await fetch(`${agent.url}/livez`)).status).toBe(200);
  });

  test("a runtime that comes late gets all its passes", async () => {
    const runtime = await kit.runtime();
    const stuck = await leaveStuck(runtime);
    await rename(kit.socketPath, `${kit.socketPath}.later`);
    // Slow enough for a machine that is stopped for two seconds.
    const agent = await kit.start(["--shutdown-pass=off"], FAST / 4);
    await until(() => agent.lines.filter(({ result }) => result === "no-runtime").length > 2);
    const { status, text } = await ready(agent);
    expect(status).toBe(500);
    expect(text).toContain("no such socket");
    expect(text).toContain("[-]containers failed: last pass: boot, no-runtime");
    await rename(`${kit.socketPath}.later`, kit.socketPath);
    await until(async () => (await marker()) !== undefined);
    expect(runtime.fake.containers.has(stuck)).toBe(false);
    expect(phases(agent.lines).length).toBeGreaterThan(2);
    expect((await ready(agent)).status).toBe(200);
  });

  test("no API server, no address and no bus at any time: it works and is ready", async () => {
    kit.bus.refusal = new Error("no bus");
    const runtime = await kit.runtime();
    const stuck = await leaveStuck(runtime);
    const agent = await kit.start([], FAST);
    await until(() => !runtime.fake.containers.has(stuck));
    await until(async () => (await ready(agent)).text.includes("wait for it: no route to host"));
    const { status, text } = await ready(agent);
    expect(text).toContain("[+]addresses ok: no address, no default route");
    expect(text).toContain("no bus");
    expect(status).toBe(200);
    agent.term();
    await agent.ended;
  });

  test("an agent that does not know its own pod removes nothing and says so", async () => {
    const runtime = await kit.runtime();
    const stuck = await leaveStuck(runtime);
    const agent = await kit.start(["--shutdown-pass=off"], FAST, { POD_UID: "" });
    await until(async () => (await marker()) !== undefined);
    expect(runtime.fake.containers.has(stuck)).toBe(true);
    const { status, text } = await ready(agent);
    expect(status).toBe(500);
    expect(text).toContain(
      "[-]own-pod failed: not known, so nothing is removed; give the pod's metadata.uid",
    );
  });
});

test("a crash at any call of the runtime: the next agent ends in the same state", async () => {
  for (let call = 1; call <= 12; call += 1) {
    await kit.close();
    kit = await AgentKit.open();
    const runtime = await kit.runtime();
    await leaveStuck(runtime);
    await leaveStuck(runtime, { uid: "second", namespace: "default", name: "second" });
    const runs = await leaveRunning(runtime);
    let left = call;
    const crashed = Promise.withResolvers<void>();
    const push = runtime.fake.calls.push.bind(runtime.fake.calls);
    runtime.fake.calls.push = (...calls) => {
      left -= 1;
      if (left === 0) crashed.resolve();
      return push(...calls);
    };
    // Slow enough for its third pass, in which the last of these calls is, not to be its last.
    const first = await kit.start(["--shutdown-pass=off"], FAST / 5);
    await crashed.promise;
    first.crash();
    await first.ended;
    expect(await marker()).toBeUndefined();
    await kit.start(["--shutdown-pass=off"], FAST * 5);
    await until(async () => (await marker()) !== undefined);
    expect([...runtime.fake.containers.keys()]).toEqual([runs]);
  }
});

test("Events come once the API server is there, what was done and what was found each once", async () => {
  const posted: string[] = [];
  const runtime = await kit.runtime();
  await leaveStuck(runtime);
  const ahead = runtime.fake.containers.get(await leaveRunning(runtime));
  if (ahead !== undefined) ahead.createdAtNanos = BigInt(Date.now() + 3_600_000) * 1_000_000n;
  let away = true;
  kit.connectApi = async () => {
    if (away) throw new Error("no route to host");
    return {
      ...unlockedNode(),
      annotate: async () => {},
      post: async ({ type, reason }) => posted.push(`${type} ${reason}`),
      close: async () => {},
    };
  };
  const agent = await kit.start(["--shutdown-pass=off"], FAST);
  await until(() => phases(agent.lines).length > 1);
  away = false;
  await until(async () => (await marker()) !== undefined);
  await until(() => posted.length > 1);
  expect(posted).toEqual(["Normal StuckContainerRemoved", "Warning ContainersDiagnosis"].toReversed());
  const { text } = await ready(agent);
  expect(text).toContain("[+]api ok: reached");
  expect(text).toMatch(/\[\+\]findings ok: .*one container is dated later than now/);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(metrics).toContain('nodelatch_agent_findings{kind="clock-in-future"} 1');
  expect(metrics).toContain('nodelatch_agent_events_total{result="posted"} 2');
});
