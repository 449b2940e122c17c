import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import type { GateVerdict } from "../../lock/gate.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { until } from "../testing/agent-kit.ts";
import { Host, type Shell } from "./testing/asker.ts";
import { Agent, answerTo, BOOT, NONCE, question, stopAgents } from "./testing/gate-agent.ts";

const SH: Shell = ["sh"];
const OPEN: GateVerdict = { kind: "open", record: lockRecord() };
const CLOSED: GateVerdict = {
  kind: "closed",
  mayOpen: true,
  reasons: [{ rule: "not-cordoned", text: "node n1 is not cordoned", mayPass: true }],
};
const HOPELESS: GateVerdict = {
  kind: "closed",
  mayOpen: false,
  reasons: [{ rule: "expired", text: "the reboot lock of a\\nb expired", mayPass: false }],
};

afterAll(stopAgents);

describe.concurrent("the agent's side of the gate", () => {
  test("the script gets the judge's word, and the log and the agent hear of it", async () => {
    const agent = await new Agent((_signal, look) => (look === 1 ? OPEN : HOPELESS)).up();
    const first = await agent.host.ask(SH);
    expect(first).toMatchObject({
      code: 0,
      out: "nodelatch: open: locked by alice (kernel update), cordoned and drained\n",
    });
    // 150 ms is the aim for the whole; this machine may be busy. An agent that heard nothing looks after a minute.
    expect(first.seconds).toBeLessThan(15);
    // An asker has its answer before the agent knows that it is on disk.
    await until(() => agent.answers.length === 1);
    expect(await agent.host.ask(SH)).toMatchObject({
      code: 1,
      err: "nodelatch: closed: the reboot lock of a/nb expired\n",
    });
    await until(() => agent.answers.length === 2);
    expect(agent.answers).toMatchObject([{ verdict: "open" }, { verdict: "closed" }]);
    expect(agent.log.lines.filter(({ msg }) => msg === "gate")).toMatchObject([
      { verdict: "open" },
      { verdict: "closed", words: "closed: the reboot lock of a\\nb expired" },
    ]);
  });

  test("every question is a look of its own, and ten at once get theirs", async () => {
    const agent = await new Agent((_signal, look) => (look % 2 === 0 ? OPEN : CLOSED)).up();
    const all = await Promise.all(Array.from({ length: 10 }, async () => agent.host.ask(SH)));
    expect(all.filter(({ code }) => code === 0)).toHaveLength(5);
    expect(all.filter(({ code }) => code === 1)).toHaveLength(5);
    expect(agent.asked).toBe(10);
  });

  test("an API server that fails, or is silent, is told, and is no open gate", async () => {
    const failing = await new Agent(() => Promise.reject(new Error("connect ECONNREFUSED"))).up();
    expect(await failing.host.ask(SH)).toMatchObject({
      code: 75,
      err: "nodelatch: no answer, so don't reboot: connect ECONNREFUSED\n",
    });
    const silent = await new Agent(() => new Promise<GateVerdict>(() => {}), { host: new Host(2) }).up();
    const unheard = await silent.host.ask(SH);
    expect(unheard.code).toBe(75);
    expect(unheard.err).toContain("said nothing within 2 s");
  });

  test("with --wait it looks again for what can still come true", async () => {
    const agent = await new Agent((_signal, look) => (look < 3 ? CLOSED : OPEN)).up();
    const asked = await agent.host.ask(SH, "--wait", "30s");
    expect(asked).toMatchObject({ code: 0 });
    expect(agent.asked).toBe(3);
  });

  test("with --wait an API server that comes back in time is asked again", async () => {
    const agent = await new Agent((_signal, look) =>
      look < 2 ? Promise.reject(new Error("away")) : OPEN,
    ).up();
    expect(await agent.host.ask(SH, "--wait", "30s")).toMatchObject({ code: 0 });
  });

  test("what time can't mend is not waited for", async () => {
    const agent = await new Agent(() => HOPELESS).up();
    const asked = await agent.host.ask(SH, "--wait", "1h");
    expect(asked).toMatchObject({ code: 1 });
    expect(agent.asked).toBe(1);
    expect(asked.seconds).toBeLessThan(15);
  });

  test("the wait ends with the last word", async () => {
    const agent = await new Agent(() => CLOSED).up();
    // Its first look may come seconds late on a busy machine, and is not to be the last one.
    const asked = await agent.host.ask(SH, "--wait", "5s");
    expect(asked).toMatchObject({ code: 1, err: "nodelatch: closed: node n1 is not cordoned\n" });
    expect(agent.asked).toBeGreaterThan(1);
  });

  test("an asker who has gone away is waited for no longer", async () => {
    const gone = Promise.withResolvers<void>();
    const agent = await new Agent(async () => {
      await gone.promise;
      return CLOSED;
    }).up();
    await writeFile(join(agent.host.folder, `${NONCE}.ask`), question({ wait: 3_600 }));
    await until(() => agent.asked === 1);
    await rm(join(agent.host.folder, `${NONCE}.ask`));
    gone.resolve();
    await delay(2_500);
    expect(agent.asked).toBe(1);
    expect(agent.answers).toEqual([]);
  });

  test("a question that lay there while the agent was away is answered, if its asker can still be there", async () => {
    const host = await new Host().prepare();
    const old = "0a1b2c3d-0000-4000-8000-000000000002";
    const future = "0a1b2c3d-0000-4000-8000-000000000003";
    // By the agent's own clock, however long all this takes.
    const now = 1_000;
    await writeFile(join(host.folder, `${NONCE}.ask`), question({ askedAt: now - 9 }));
    await writeFile(join(host.folder, `${old}.ask`), question({ nonce: old, askedAt: now - 10 }));
    await writeFile(join(host.folder, `${future}.ask`), question({ nonce: future, askedAt: now + 1 }));
    await writeFile(join(host.folder, `${old}.answer`), "left by an earlier agent");
    await writeFile(join(host.folder, ".x.partial"), "left by an earlier agent");
    const agent = await new Agent(() => OPEN, { host, now: () => now }).up();
    expect(await answerTo(agent)).toContain(" open 1000\n");
    await until(
      () => !existsSync(join(host.folder, `${old}.ask`)) && !existsSync(join(host.folder, `${future}.ask`)),
    );
    expect(existsSync(join(host.folder, `${old}.answer`))).toBe(false);
    expect(existsSync(join(host.folder, ".x.partial"))).toBe(false);
    expect(agent.asked).toBe(1);
  });

  test("half a question is answered once it is whole", async () => {
    const agent = await new Agent(() => OPEN).up();
    const whole = question();
    await writeFile(join(agent.host.folder, `${NONCE}.ask`), whole.slice(0, -5));
    await delay(300);
    expect(agent.asked).toBe(0);
    await writeFile(join(agent.host.folder, `${NONCE}.ask`), whole);
    expect(await answerTo(agent)).toContain(" open ");
  });

  test("a question of another boot than the agent's is unknown, and nobody is asked", async () => {
    const agent = await new Agent(() => OPEN).up();
    const text = question({ boot: "0a1b2c3d-0000-4000-8000-00000000b007" });
    await writeFile(join(agent.host.folder, `${NONCE}.ask`), text);
    expect(await answerTo(agent)).toMatch(/ unknown \d+\n.*different boots/);
    expect(agent.asked).toBe(0);
  });

  test("an agent that does not know its boot answers unknown", async () => {
    const agent = await new Agent(() => OPEN, { boot: "" }).up();
    const asked = await agent.host.ask(SH);
    expect(asked.code).toBe(75);
    expect(asked.err).toContain("no boot id");
  });

  test.each<[string, (file: string) => unknown]>([
    ["a FIFO", (file) => execFileSync("mkfifo", [file])],
    [
      "a link to a question",
      async (file) => {
        await writeFile(`${file}.elsewhere`, question());
        await symlink(`${file}.elsewhere`, file);
      },
    ],
    ["a directory", async (file) => mkdir(file)],
    ["a question under another name", async (file) => writeFile(file, question({ nonce: BOOT }))],
    ["a question with a field too many", async (file) => writeFile(file, question().replace("\n", " x\n"))],
    ["a question with a negative wait", async (file) => writeFile(file, question({ wait: -1 }))],
    ["a question of a megabyte", async (file) => writeFile(file, question() + "x".repeat(1_000_000))],
  ])("%s is no question, and hinders no other", async (_what, make) => {
    const agent = await new Agent(() => OPEN).up();
    await make(join(agent.host.folder, `${NONCE}.ask`));
    expect(await agent.host.ask(SH)).toMatchObject({ code: 0 });
    expect(agent.asked).toBe(1);
  });

  test("folder and script are made again, with root's rights, whatever is put in their place", async () => {
    const agent = await new Agent(() => OPEN).up();
    const { folder, script, runDir } = agent.host;
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(script)).mode & 0o777).toBe(0o755);
    await rm(folder, { recursive: true });
    await until(() => existsSync(folder));
    await delay(300);
    // The new folder is watched as the old one was.
    expect(await agent.host.ask(SH)).toMatchObject({ code: 0 });

    await agent.stop();
    await rm(folder, { recursive: true });
    await mkdir(join(runDir, "elsewhere"));
    await writeFile(join(runDir, "elsewhere/kept"), "");
    await symlink(join(runDir, "elsewhere"), folder);
    await writeFile(script, "exit 0\n");
    const next = await new Agent(() => OPEN, { host: agent.host }).up();
    await until(async () => (await readFile(script, "utf8")) === agent.host.scriptText());
    expect((await lstat(folder)).isDirectory()).toBe(true);
    expect(existsSync(join(runDir, "elsewhere/kept"))).toBe(true);

    await next.stop();
    await chmod(folder, 0o777);
    await chmod(script, 0o644);
    await new Agent(() => OPEN, { host: agent.host }).up();
    await until(async () => ((await stat(script)).mode & 0o777) === 0o755);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test("a run directory that can't be had is said once and tried again", async () => {
    const host = new Host();
    await rm(host.runDir, { recursive: true });
    await writeFile(host.runDir, "a file");
    const agent = new Agent(() => OPEN, { host });
    await until(() => agent.server.state().kind === "failing");
    await rm(host.runDir);
    await agent.up();
    expect(await host.ask(SH)).toMatchObject({ code: 0 });
    expect(agent.log.lines.filter(({ msg }) => msg === "gate can't be kept; retrying")).toHaveLength(1);
  });

  test("an answer that can't be written is no answer, and the next question is served", async () => {
    const agent = await new Agent(() => OPEN).up();
    const blocked = join(agent.host.folder, `${NONCE}.answer`);
    await mkdir(join(blocked, "in-the-way"), { recursive: true });
    await writeFile(join(agent.host.folder, `${NONCE}.ask`), question());
    await until(() => agent.log.lines.some(({ msg }) => msg === "gate: no answer could be given"));
    // Nor is it an open gate for the Event: the asker had none.
    await until(() => agent.answers.length > 0);
    expect(agent.answers).toEqual([
      expect.objectContaining({
        verdict: "unknown",
        words: expect.stringContaining("the answer could not be written: ") as unknown,
      }),
    ]);
    expect(await agent.host.ask(SH)).toMatchObject({ code: 0 });
  });

  test("an agent that ends leaves the question to the next one", async () => {
    const first = await new Agent(() => CLOSED).up();
    const asked = first.host.ask(SH, "--wait", "30s");
    await until(() => first.asked === 1);
    await first.stop();
    const second = await new Agent(() => OPEN, { host: first.host }).up();
    expect(await asked).toMatchObject({ code: 0 });
    expect(second.asked).toBe(1);
  });
});
