import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTakeNetworkLock, type NetworkLock } from "./network-lock.ts";
import { never } from "./testing/removal-kit.ts";

let directory: string;
let others: ChildProcessWithoutNullStreams[];
const take = makeTakeNetworkLock({ waitMillis: 60_000 });
const hasty = makeTakeNetworkLock({ waitMillis: 200 });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nodelatch-lock-"));
  others = [];
});
afterEach(() => {
  for (const child of others) {
    child.stdin.end();
    child.kill("SIGKILL");
  }
  rmSync(directory, { recursive: true, force: true });
});

/** What a plugin would find that tries at this moment. */
const isFree = (path = join(directory, "lock")): boolean =>
  spawnSync("flock", ["-n", path, "true"]).status === 0;

/** Another holds it until its input ends. */
async function held(path: string): Promise<ChildProcessWithoutNullStreams> {
  const child = spawn("flock", [path, "sh", "-c", "echo; exec cat"]);
  others.push(child);
  await once(child.stdout, "data");
  return child;
}

const reasonOf = (lock: NetworkLock): string => (lock.kind === "held" ? "held" : lock.reason);

describe.runIf(process.platform === "linux")("the lock of a network", () => {
  it("keeps plugins out until it is let go, those that lock the directory as well", async () => {
    writeFileSync(join(directory, "lock"), "");
    const lock = await take(directory, never);
    expect(lock.kind).toBe("held");
    expect([isFree(), isFree(directory)]).toEqual([false, false]);
    if (lock.kind === "held") lock.release();
    expect([isFree(), isFree(directory)]).toEqual([true, true]);
  });

  it("is made as host-local makes it if it is not there", async () => {
    const lock = await take(directory, never);
    expect(lock.kind).toBe("held");
    const { size, mode } = statSync(join(directory, "lock"));
    expect([size, mode & 0o777]).toEqual([0, 0o750 & ~process.umask()]);
    if (lock.kind === "held") lock.release();
  });

  it("is not made together with its directory", async () => {
    const lock = await take(join(directory, "gone"), never);
    expect(reasonOf(lock)).toContain("ENOENT");
    expect(existsSync(join(directory, "gone"))).toBe(false);
  });

  it("is waited for while another has it, and taken then", async () => {
    const other = await held(join(directory, "lock"));
    setTimeout(() => other.stdin.end(), 300);
    const lock = await take(directory, never);
    expect(lock.kind).toBe("held");
    if (lock.kind === "held") lock.release();
  });

  it.each(["lock", "."])("is left to who holds %s for too long, and nothing is held then", async (name) => {
    writeFileSync(join(directory, "lock"), "");
    const path = join(directory, name);
    const other = await held(path);
    expect(reasonOf(await hasty(directory, never))).toMatch(/another has held it for 0\.2 s$/);
    expect(isFree(name === "." ? join(directory, "lock") : directory)).toBe(true);
    other.stdin.end();
    await once(other, "close");
    expect(isFree(path)).toBe(true);
  });

  it("is not waited for after its caller has given up", async () => {
    await held(join(directory, "lock"));
    const began = performance.now();
    expect(reasonOf(await take(directory, AbortSignal.timeout(100)))).toContain("given up");
    expect(reasonOf(await take(directory, AbortSignal.abort()))).toContain("given up");
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it("is not waited for when the program that takes it hangs", async () => {
    const program = join(directory, "hangs");
    writeFileSync(program, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const began = performance.now();
    const lock = await makeTakeNetworkLock({ program, waitMillis: 50 })(directory, never);
    expect(reasonOf(lock)).toContain("another has held it");
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it("does not count when the file was replaced while it was waited for", async () => {
    const path = join(directory, "lock");
    const other = await held(path);
    const taking = take(directory, never);
    await new Promise((resolve) => setTimeout(resolve, 200));
    renameSync(path, join(directory, "old"));
    writeFileSync(path, "");
    other.stdin.end();
    expect(reasonOf(await taking)).toContain("was replaced meanwhile");
    expect(isFree()).toBe(true);
  });

  it.each([
    ["a directory", () => mkdirSync(join(directory, "lock"))],
    ["a pipe that nobody writes to", () => execFileSync("mkfifo", [join(directory, "lock")])],
  ])("is never %s", async (_, make) => {
    make();
    expect((await take(directory, never)).kind).toBe("not-held");
  });

  it("may be a link, which plugins follow too", async () => {
    writeFileSync(join(directory, "real"), "");
    symlinkSync("real", join(directory, "lock"));
    const lock = await take(directory, never);
    expect(lock.kind).toBe("held");
    expect(isFree(join(directory, "real"))).toBe(false);
    if (lock.kind === "held") lock.release();
  });

  it("is gone with a process that is killed while it holds it", async () => {
    const agent = join(directory, "agent.ts");
    writeFileSync(
      agent,
      `import { makeTakeNetworkLock } from ${JSON.stringify(join(import.meta.dirname, "network-lock.ts"))};
       const lock = await makeTakeNetworkLock()(${JSON.stringify(directory)}, new AbortController().signal);
       console.log(lock.kind);
       setTimeout(() => {}, 60_000);`,
    );
    const child = spawn(process.execPath, [agent]);
    others.push(child);
    const said = new Promise((resolve) =>
      child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString())),
    );
    expect(await said).toBe("held\n");
    expect(isFree()).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect([isFree(), isFree(directory)]).toEqual([true, true]);
  });

  it("is not to be had without flock, or with one that fails, for a reason in words", async () => {
    const none = makeTakeNetworkLock({ program: join(directory, "none") });
    expect(reasonOf(await none(directory, never))).toContain("is not there (Debian package");
    const broken = join(directory, "broken");
    writeFileSync(broken, "#!/bin/sh\necho 'flock: 3: No locks available' >&2\nexit 71\n");
    chmodSync(broken, 0o755);
    const failing = makeTakeNetworkLock({ program: broken });
    expect(reasonOf(await failing(directory, never))).toMatch(/No locks available$/);
  });
});
