import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { coresIn } from "./cores.ts";
import { freePorts } from "./free-port.ts";
import { startMeasuredServer } from "./measured-server.ts";
import { cpuMillis, memoryMebibytes, residentMebibytes } from "./usage.ts";

const { signal } = new AbortController();

test.each([
  ["0-1", [0, 1]],
  ["0", [0]],
  ["0-2,5,7-8", [0, 1, 2, 5, 7, 8]],
  ["", []],
])("the kernel's list %j means cores %j", (list, cores) => expect(coresIn(list)).toEqual(cores));

test("free ports all differ, and the kernel gives none of them to others", async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
  expect(Math.min(...ports)).toBeGreaterThan(1_024);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

async function logFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-bench-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "log");
}

function server(script: string, file: string) {
  const argv = [process.execPath, "--input-type=module", "-e", script] as const;
  return startMeasuredServer({ name: "small", argv, logFile: file, signal });
}

test("a server says its port, logs to the file, and ends with its standard input", async () => {
  const file = await logFile();
  const started = await server(
    `import { writeSync } from "node:fs";
     console.log("hello");
     process.stdin.resume().on("end", () => { console.log("bye"); process.exit(0); });
     writeSync(3, '{"port":4711}\\n');`,
    file,
  );
  expect(started.port).toBe(4711);
  expect(await cpuMillis(started.pid)).toBeGreaterThan(1);
  expect(await residentMebibytes(started.pid)).toBeGreaterThan(20);
  const { resident, anonymous } = await memoryMebibytes(started.pid);
  expect(anonymous).toBeGreaterThan(2);
  expect(anonymous).toBeLessThan(resident);
  await started.stop();
  expect(await readFile(file, "utf8")).toBe("hello\nbye\n");
});

test("a server that ends before it listens is an error with its exit code", async () => {
  await expect(server("process.exit(7)", await logFile())).rejects.toMatchObject({
    message: "start small",
    cause: { message: "it ended with 7 before it listened" },
  });
});

test("a server that died in between is an error at the end", async () => {
  const started = await server(
    `import { writeSync } from "node:fs";
     process.on("SIGUSR2", () => process.exit(9));
     writeSync(3, '{"port":1}\\n');
     setInterval(() => {}, 1_000);`,
    await logFile(),
  );
  process.kill(started.pid, "SIGUSR2");
  // Signal 0 reaches it until Node has noticed its end.
  await expect.poll(() => isAlive(started.pid), { timeout: 30_000 }).toBe(false);
  await expect(started.stop()).rejects.toThrow(/ended by itself with 9/);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
