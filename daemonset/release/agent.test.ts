/** The release of a whole agent: passes, publisher and probes as they are. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockRecord } from "../../lock/fixture.ts";
import type { AgentEvent } from "../containers/announce.ts";
import { AgentKit, BOOT_ID, OTHER_BOOT_ID, until, type RunningAgent } from "../testing/agent-kit.ts";
import { encodeResponse } from "../runtime/testing/cri-codec.ts";
import { FakeNode } from "./testing/own-node.ts";

/** Three minutes of boot passes take a second. */
const FAST = 200;
const RECORD = lockRecord({ release: "reboot", bootID: OTHER_BOOT_ID });

let kit: AgentKit;
let node: FakeNode;
let posted: AgentEvent[];
beforeEach(async () => {
  kit = await AgentKit.open();
  node = Object.assign(new FakeNode(), { bootID: BOOT_ID });
  node.take(RECORD);
  posted = [];
  kit.connectApi = async () => ({
    readNode: node.readNode,
    release: node.release,
    post: async (event) => posted.push(event),
    annotate: async () => {},
    close: async () => {},
  });
});
afterEach(async () => kit.close());

const text = async ({ url }: RunningAgent, path: string): Promise<string> =>
  (await fetch(`${url}${path}`)).text();

test("the lock goes when the passes after the boot are done, and not before", async () => {
  const { fake } = await kit.runtime();
  const [second, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let lists = 0;
  // There are two passes at least, however busy this machine is.
  fake.override("ListContainers", async () => {
    lists += 1;
    if (lists > 1) {
      second.resolve();
      await goOn.promise;
    }
    return encodeResponse("ListContainers", { containers: [] });
  });
  const agent = await kit.start(["--shutdown-pass=off"], FAST);
  await second.promise;
  await until(async () => (await text(agent, "/readyz?verbose")).includes("the reboot lock waits: "));
  expect(await text(agent, "/readyz?verbose")).toContain(
    "[+]release ok: the reboot lock waits: the passes after this boot are under way",
  );
  expect(await text(agent, "/metrics")).toContain("nodelatch_agent_lock_waiting 1");
  expect(await text(agent, "/readyz?verbose")).toContain("last pass: boot, read");
  expect(node.writes).toEqual([]);
  goOn.resolve();
  await until(() => node.lock === undefined);
  expect(node.unschedulable).toBe(false);
  expect(agent.lines.filter(({ msg }) => msg === "reboot lock released")).toHaveLength(1);
  await until(() => posted.some(({ reason }) => reason === "LockReleased"));
  expect(await text(agent, "/readyz?verbose")).toContain("its passes are done");
  expect(await text(agent, "/readyz?verbose")).toContain("[+]release ok: released the reboot lock of alice");
  const metrics = await text(agent, "/metrics");
  expect(metrics).toContain("nodelatch_agent_lock_waiting 0");
  expect(metrics).toContain("nodelatch_agent_locks_released 1");
});

test("an agent that is restarted later in that boot releases as well, after a pass of its own", async () => {
  await kit.runtime();
  node.lock = undefined;
  const first = await kit.start(["--shutdown-pass=off"], FAST);
  await until(() => first.lines.some(({ msg }) => msg === "pass"));
  await until(async () => (await text(first, "/readyz?verbose")).includes("its passes are done"));
  first.term();
  await first.ended;
  node.take(RECORD);
  const second = await kit.start(["--shutdown-pass=off"], FAST);
  await until(() => node.lock === undefined);
  expect(second.lines.find(({ msg }) => msg === "boot")).toMatchObject({ kind: "same-boot" });
  expect(second.lines.some(({ msg }) => msg === "pass")).toBe(true);
});

test("an API server that is away for the whole boot: the lock goes when it is back", async () => {
  await kit.runtime();
  const { connectApi } = kit;
  let away = true;
  kit.connectApi = async () => {
    if (away) throw new Error("no route to host");
    return connectApi();
  };
  const agent = await kit.start(["--shutdown-pass=off"], FAST);
  await until(async () => (await text(agent, "/readyz?verbose")).includes("its passes are done"));
  expect(await text(agent, "/readyz?verbose")).toContain("[+]release ok: the node was not read yet");
  away = false;
  await until(() => node.lock === undefined);
  await until(() => posted.some(({ reason }) => reason === "LockReleased"));
});

test("without a runtime that can be read it is never clean: the lock stays, the agent says why", async () => {
  const agent = await kit.start(["--shutdown-pass=off"], FAST);
  await until(async () => (await text(agent, "/readyz?verbose")).includes("the reboot lock waits: "));
  expect(await text(agent, "/readyz?verbose")).toContain("the passes after this boot are under way");
  expect(node.lock).toBeDefined();
  expect(node.writes).toEqual([]);
});

test("where the API is switched off, nothing is read or written", async () => {
  await kit.runtime();
  const agent = await kit.start(["--shutdown-pass=off", "--api=off"], FAST);
  await until(async () => (await text(agent, "/readyz?verbose")).includes("its passes are done"));
  expect(await text(agent, "/readyz?verbose")).toContain(
    "[+]release ok: not done, as the API is switched off",
  );
  expect(node.lock).toBeDefined();
});
