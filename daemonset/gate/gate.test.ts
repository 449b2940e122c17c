/** The gate of a whole agent, asked by the script that this agent wrote. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockRecord } from "../../lock/fixture.ts";
import type { GateVerdict } from "../../lock/gate.ts";
import { BOOT_ID_FILE } from "../host/boot/boot-id.ts";
import type { AgentEvent } from "../containers/announce.ts";
import { unlockedNode } from "../release/testing/own-node.ts";
import { AgentKit, until } from "../testing/agent-kit.ts";
import { eventsOf, gateStateWords } from "./gate.ts";
import { bootID, Host, removeHosts } from "./testing/asker.ts";

let kit: AgentKit;
beforeEach(async () => {
  kit = await AgentKit.open();
});
afterEach(async () => {
  await kit.close();
  removeHosts();
});

test("an agent keeps the gate, asks the API server with its own boot, and posts what it refused", async () => {
  const posted: AgentEvent[] = [];
  const asked: string[] = [];
  let verdict: GateVerdict = { kind: "open", record: lockRecord() };
  let connections = 0;
  kit.bootID = bootID();
  await writeFile(join(kit.folder, BOOT_ID_FILE), `${kit.bootID}\n`);
  const api = {
    ...unlockedNode(),
    post: async (event: AgentEvent) => posted.push(event),
    annotate: async () => {},
    close: async () => {},
  };
  kit.connectApi = async () => api;
  kit.connectGate = async () => {
    connections += 1;
    if (connections === 1) throw new Error("no token");
    return {
      judge: async (question) => {
        asked.push(`${question.bootID} ${question.holder}`);
        return verdict;
      },
      close: async () => {},
    };
  };
  const agent = await kit.start();
  const script = join(kit.folder, "nodelatch", "verify");
  const ready = async (): Promise<string> => (await fetch(`${agent.url}/readyz?verbose`)).text();
  await until(async () => (await ready()).includes("[+]gate ok: not asked yet"));
  const host = new Host();
  expect(await host.run(["sh", script])).toMatchObject({
    code: 75,
    err: "nodelatch: no answer, so don't reboot: no token\n",
  });
  // An asker has its answer before the agent has posted it.
  await until(() => posted.length === 1);
  expect(await host.run(["sh", script])).toMatchObject({ code: 0 });
  const reasons = [{ rule: "not-cordoned", text: "node n1 is not cordoned", mayPass: true }] as const;
  verdict = { kind: "closed", mayOpen: true, reasons };
  expect(await host.run(["sh", script, "--holder", "kured"])).toMatchObject({ code: 1 });
  expect(asked).toEqual([`${kit.bootID} undefined`, `${kit.bootID} kured`]);
  expect(connections).toBe(2);
  expect(await ready()).toContain("[+]gate ok: last answer: closed");
  await until(() => posted.length >= 2);
  expect(posted).toEqual([
    { type: "Warning", reason: "RebootRefused", message: "no answer to whether it may reboot: no token" },
    { type: "Warning", reason: "RebootRefused", message: "closed: node n1 is not cordoned" },
  ]);
});

test("an agent without the API keeps no gate, so nothing is allowed", async () => {
  const agent = await kit.start(["--api=off"]);
  expect(await (await fetch(`${agent.url}/readyz?verbose`)).text()).toContain("[+]gate ok: not kept");
  expect(spawnSync("sh", [join(kit.folder, "nodelatch", "verify")]).status).not.toBe(0);
});

test("an open gate posts nothing", () => {
  expect(eventsOf({ verdict: "open", words: "open", lookedAt: 0 })).toEqual([]);
});

test("the state is told in words", () => {
  expect(gateStateWords({ kind: "failing", reason: "no space left" })).toContain("no reboot is allowed");
  expect(gateStateWords({ kind: "serving", watching: false, last: "open" })).toContain("looks each second");
});
