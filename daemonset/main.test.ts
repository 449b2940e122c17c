/** The program itself, as a process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePorts } from "../bench/process/free-port.ts";
import packageJson from "../package.json" with { type: "json" };
import { AgentKit, BOOT_ID, leaveRunning, leaveStuck, until } from "./testing/agent-kit.ts";

const PROGRAM = fileURLToPath(new URL("main.ts", import.meta.url));

let kit: AgentKit;
let running: (() => void)[] = [];
beforeEach(async () => {
  kit = await AgentKit.open();
});
afterEach(async () => {
  for (const kill of running) kill();
  running = [];
  await kit.close();
});

function start(...argv: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { POD_UID: "agent-uid" },
  });
  running.push(() => void child.kill("SIGKILL"));
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return {
    term: () => child.kill("SIGTERM"),
    ended: ended.then(([stdout, stderr]) => ({ code: child.exitCode, stdout, stderr })),
  };
}

test("run: ready, measured, and gone with 0 at a SIGTERM that removes nothing", async () => {
  const runtime = await kit.runtime();
  const runs = await leaveRunning(runtime);
  const stuck = await leaveStuck(runtime);
  const [port = 0] = await freePorts(1);
  const program = start(
    "run",
    "--api=off",
    `--host-root=${kit.folder}`,
    "--runtime-endpoint=/run/containerd/containerd.sock",
    `--run-dir=${join(kit.folder, "nodelatch")}`,
    `--state-dir=${join(kit.folder, "state")}`,
    `--bus-address=unix:path=${join(kit.folder, "bus")}`,
    `--lock-command=${join(kit.folder, "inhibit")}`,
    "--bind-address=127.0.0.1",
    `--probe-port=${port}`,
    "--boot-pass=report",
    "--steady-pass=report",
  );
  const get = async (path: string): Promise<Response | undefined> =>
    fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  await until(async () => (await get("/readyz"))?.status === 200);
  const verbose = (await (await get("/readyz?verbose"))?.text()) ?? "";
  expect(verbose).toContain(`[+]boot-id ok: ${BOOT_ID}`);
  expect(verbose).toContain("[+]own-pod ok: agent-uid");
  expect(verbose).toContain("[+]runtimes ok: containerd 1.7.24 at /run/containerd/containerd.sock answers");
  expect(verbose).toContain("[+]containers ok: last pass: boot, read");
  expect(verbose).toContain("1 would-remove");
  expect(verbose).toContain("[+]api ok: switched off");
  expect((await get("/livez"))?.status).toBe(200);
  expect((await get("/healthz"))?.status).toBe(200);
  const metrics = (await (await get("/metrics"))?.text()) ?? "";
  expect(metrics).toContain('nodelatch_agent_passes_total{phase="boot",result="read"} 1');
  expect(metrics).toContain(`nodelatch_build_info{version="${packageJson.version}"`);
  program.term();
  const { code, stderr } = await program.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect([...runtime.fake.containers.keys()].toSorted()).toEqual([runs, stuck].toSorted());
});

test("boot: removes, prints and goes", async () => {
  const runtime = await kit.runtime();
  const stuck = await leaveStuck(runtime);
  const endpoint = `--runtime-endpoint=${kit.socketPath}`;
  const { code, stdout, stderr } = await start("boot", endpoint, "--log-level=warn").ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("removed in");
  expect(runtime.fake.containers.has(stuck)).toBe(false);
});

test("bad settings are all named, with exit code 2", async () => {
  const { code, stdout, stderr } = await start("boot", "--api=maybe", "--probe-port=x").ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.trim().split("\n")).toHaveLength(2);
});

test("help and version", async () => {
  const [help, version] = await Promise.all([start("--help").ended, start("--version").ended]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toContain("--runtime-endpoint=ENDPOINT,ENDPOINT...");
  expect(version).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" });
});
