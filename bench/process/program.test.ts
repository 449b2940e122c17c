import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import { startProgram } from "./program.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-program-"));
});
afterAll(async () => rm(folder, { recursive: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a program is gone when stop returns, and stopping it twice does no harm", async () => {
  const program = await startProgram({
    name: "sleeper",
    argv: ["sleep", "60"],
    logFile: join(folder, "1.log"),
  });
  expect(isAlive(program.pid)).toBe(true);
  expect(await program.during(Promise.resolve("work"))).toBe("work");
  await program.stop();
  expect(isAlive(program.pid)).toBe(false);
  await program.stop();
});

test("a program that ends by itself ends the wait for it, with what it said", async () => {
  const argv = ["sh", "-c", "echo no such flag >&2; exit 3"] as const;
  const program = await startProgram({ name: "broken", argv, logFile: join(folder, "2.log") });
  const never = new Promise<void>(() => undefined);
  await expect(program.during(never)).rejects.toThrow("broken ended by itself with 3:\nno such flag");
  await program.stop();
});

test("a program dies with a bench that was killed", async () => {
  const starter = `
    import { startProgram } from ${JSON.stringify(join(import.meta.dirname, "program.ts"))};
    const program = await startProgram({ name: "orphan", argv: ["sleep", "60"], logFile: "/dev/null" });
    console.log(program.pid);
    setInterval(() => {}, 1_000);`;
  const bench = spawn(process.execPath, ["--input-type=module", "--eval", starter]);
  const said: readonly unknown[] = await once(bench.stdout, "data", { signal: AbortSignal.timeout(60_000) });
  const pid = Number(String(said[0]));
  expect(isAlive(pid)).toBe(true);
  const gone = once(bench, "exit");
  bench.kill("SIGKILL");
  await gone;
  await waitFor(
    "the program to be killed",
    async () => {
      // Its adoptive parent may not have collected it yet: a zombie is dead as well.
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State:\tX");
      return /^State:\t[XZ]/m.test(status) ? { done: true, value: undefined } : { done: false, seen: status };
    },
    { deadlineMillis: 30_000, intervalMillis: 20 },
  );
  expect(pid).toBeGreaterThan(1);
});
