/** The gate in a run directory as nodes have it: a tmpfs that executes nothing, and that fills up. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const daemonset = join(import.meta.dirname, "..", "..", "..", "daemonset");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-gate-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Runs `program` beside an agent's gate that is always open, in a mount namespace of their own; gives what it printed. */
function besideGate(options: string, program: string): unknown {
  const script = `
    import { execFile } from "node:child_process";
    import { existsSync } from "node:fs";
    import { readFile, rm, writeFile } from "node:fs/promises";
    import { setTimeout as delay } from "node:timers/promises";
    import { pino } from "pino";
    import { gateFolder } from ${JSON.stringify(join(daemonset, "gate", "folder.ts"))};
    import { makeGateServer } from ${JSON.stringify(join(daemonset, "gate", "server.ts"))};
    import { readBootID } from ${JSON.stringify(join(daemonset, "host", "boot", "boot-id.ts"))};
    import { realTime } from ${JSON.stringify(join(daemonset, "host", "time.ts"))};
    const folder = ${JSON.stringify(folder)};
    const stop = new AbortController();
    const record = { holder: "alice", reason: "", acquiredAt: "", nodeUID: "", bootID: "", wasUnschedulable: false, release: "explicit" };
    const server = makeGateServer({
      folder: gateFolder(folder + "/nodelatch"),
      judge: async () => ({ kind: "open", record }),
      readBootID,
      readUptime: async () => Math.floor(Number((await readFile("/proc/uptime", "utf8")).split(" ")[0])),
      onAnswer: () => {}, time: realTime, log: pino({ level: "silent" }),
    });
    const ended = server.run(stop.signal);
    const verify = folder + "/nodelatch/verify";
    const until = async (is) => { for (let tries = 0; !is() && tries < 500; tries += 1) await delay(10); };
    const run = (command, ...args) => new Promise((resolve) =>
      execFile(command, args, (error, _out, err) => resolve({ code: error === null ? 0 : error.code, err: err.trim() })));
    const alive = setInterval(() => {}, 1_000);
    await until(() => existsSync(verify));
    const said = await (async () => { ${program} })();
    stop.abort();
    await ended;
    clearInterval(alive);
    console.log(JSON.stringify(said));`;
  const printed = execFileSync(
    "unshare",
    [
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`,
      folder,
      process.execPath,
      "--input-type=module-typescript",
      "--eval",
      script,
    ],
    { cwd: import.meta.dirname, encoding: "utf8", timeout: 60_000 },
  );
  const said: unknown = JSON.parse(printed);
  return said;
}

test("where nothing may be executed, /bin/sh runs the script all the same", () => {
  expect(
    besideGate("noexec,nosuid,nodev", `return [await run(verify), await run("/bin/sh", verify)];`),
  ).toEqual([
    { code: "EACCES", err: "" },
    { code: 0, err: "" },
  ]);
});

test("on a full file system there is no answer, in one line; with room again there is", () => {
  const said = besideGate(
    "size=64k",
    `const before = await run("/bin/sh", verify);
     for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
       await writeFile(folder + "/fill-" + size, "x".repeat(size)).catch(() => {});
     }
     const full = await run("/bin/sh", verify);
     for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) await rm(folder + "/fill-" + size, { force: true });
     return [before.code, full, (await run("/bin/sh", verify)).code];`,
  );
  const line = "nodelatch: no answer, so don't reboot: [^\\\\]+ can't be written; [^\\\\]+";
  expect(JSON.stringify(said)).toMatch(new RegExp(`^\\[0,\\{"code":75,"err":"${line}"\\},0\\]$`));
});
