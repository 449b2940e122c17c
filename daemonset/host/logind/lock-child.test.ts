import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualTime } from "../testing/virtual-time.ts";
import { realTime, type Time } from "../time.ts";
import { startLockChild, type LockChild } from "./lock-child.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-lock-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Starts a script in place of systemd-inhibit. `$0`'s folder is where it may leave files. */
async function startScript(body: string, time: Time = realTime): Promise<LockChild> {
  const path = join(folder, "systemd-inhibit");
  await writeFile(path, `#!/bin/sh\ncd "$(dirname "$0")"\n${body}\n`);
  await chmod(path, 0o755);
  return startLockChild({
    command: [path],
    who: "nodelatch",
    why: "test",
    busAddress: "unix:path=/nowhere",
    time,
    takeTimeoutMillis: 30_000,
  });
}

/** The process whose id a script has written, once it is there whole. */
async function processIn(file: string): Promise<string> {
  const read = async (): Promise<string> => readFile(join(folder, file), "utf8").catch(() => "");
  await expect.poll(read, { timeout: 30_000 }).toMatch(/^\d+\n$/);
  return (await read()).trim();
}

/** Does what systemd-inhibit does: drops its own arguments and runs the rest. */
const obedient = 'echo "$@" > args; env > env; for last; do :; done; exec "$last"';

describe("the child that holds the lock", () => {
  test("asks for a delay of shutdowns, and is held once cat has answered", async () => {
    const child = await startScript(obedient);
    expect(await child.taken).toBeUndefined();
    expect(await readFile(join(folder, "args"), "utf8")).toBe(
      "--what=shutdown --mode=delay --who=nodelatch --why=test cat\n",
    );
    expect(await readFile(join(folder, "env"), "utf8")).toMatch(
      /^DBUS_SYSTEM_BUS_ADDRESS=unix:path=\/nowhere$/m,
    );
    child.release();
    expect(await child.ended).toMatch(/ended with 0$/);
  });

  test("gets none of the agent's secrets in its environment", async () => {
    process.env["NODELATCH_TEST_SECRET"] = "yes";
    const child = await startScript(obedient);
    await child.taken;
    delete process.env["NODELATCH_TEST_SECRET"];
    child.release();
    await child.ended;
    expect(await readFile(join(folder, "env"), "utf8")).not.toMatch(/NODELATCH_TEST_SECRET/);
  });

  test("a refusal is told in its own words", async () => {
    const child = await startScript('echo "Failed to inhibit: Connection refused" >&2; exit 1');
    expect(await child.taken).toBe("Failed to inhibit: Connection refused");
    expect(await child.ended).toBe("Failed to inhibit: Connection refused");
  });

  test("a silent end is told by its code", async () => {
    const child = await startScript("exit 3");
    expect(await child.taken).toMatch(/systemd-inhibit ended with 3$/);
  });

  test("one that neither takes nor refuses is killed at the deadline", async () => {
    const time = new VirtualTime();
    const child = await startScript("echo $$ > pid; exec sleep 60", time);
    const pid = await processIn("pid");
    await time.pass(29_999);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await time.pass(1);
    expect(await child.taken).toMatch(/did not get the lock within 30000 ms/);
    expect(await child.ended).toMatch(/SIGKILL/);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test("one that ignores its input's end is killed, so the lock does not outlive it", async () => {
    const child = await startScript("trap '' TERM; read line; echo $line; exec sleep 60");
    expect(await child.taken).toBeUndefined();
    const before = performance.now();
    child.release();
    expect(await child.ended).toMatch(/SIGKILL/);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test.each([[["/nowhere/systemd-inhibit"]], [["chroot", "/nowhere", "systemd-inhibit"]]])(
    "without the program (%j) there is a reason, and no exception",
    async (command) => {
      const child = startLockChild({ command, who: "nodelatch", why: "test", time: realTime });
      const reason = await child.taken;
      expect(reason).toMatch(/nowhere/);
      expect(await child.ended).toBe(reason);
      child.release();
    },
  );

  test("dies with the agent, even one that is killed", async () => {
    const path = join(folder, "systemd-inhibit");
    await writeFile(path, `#!/bin/sh\necho $$ > ${folder}/pid\nexec cat\n`);
    await chmod(path, 0o755);
    const agent = join(folder, "agent.ts");
    await writeFile(
      agent,
      `import { startLockChild } from ${JSON.stringify(join(import.meta.dirname, "lock-child.ts"))};
       import { realTime } from ${JSON.stringify(join(import.meta.dirname, "..", "time.ts"))};
       const child = startLockChild({ command: [${JSON.stringify(path)}], who: "w", why: "y", time: realTime });
       await child.taken;
       process.kill(process.pid, "SIGKILL");`,
    );
    expect(() => execFileSync(process.execPath, [agent], { stdio: "pipe" })).toThrow(/Command failed/);
    const pid = await processIn("pid");
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 30_000 }).toBe(false);
  });
});
