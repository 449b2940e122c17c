import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Component, createComponent } from "./component.ts";
import { waitFor } from "./wait-for.ts";

let folder: string;
let component: Component | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-component-"));
});

afterEach(async () => {
  await component?.kill();
  component = undefined;
  await rm(folder, { recursive: true, force: true });
});

function shell(script: string): Component {
  const logFile = join(folder, "x.log");
  component = createComponent({ name: "x", argv: ["sh", "-c", script], logFile, restartAfterMillis: 10 });
  return component;
}

async function logHolds(text: string): Promise<void> {
  await waitFor(
    `${JSON.stringify(text)} in the log`,
    async () => {
      const seen = await readFile(join(folder, "x.log"), "utf8");
      return seen.includes(text) ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis: 5_000, intervalMillis: 10 },
  );
}

test("writes what the program says, on both streams, to its log", async () => {
  const started = shell("echo out; echo err >&2; sleep 60");
  started.start();
  await logHolds("out\nerr\n");
  expect(started.state()).toMatchObject({ kind: "running", deaths: 0 });
});

test("starts a program again that ended by itself, and counts it", async () => {
  const started = shell("echo up; exit 7");
  started.start();
  await logHolds("up\nup\nup\n");
  const state = started.state();
  expect(state.kind === "stopped" ? 0 : state.deaths).toBeGreaterThanOrEqual(2);
});

test("does not start a stopped program again", async () => {
  const started = shell("echo up; exec sleep 60");
  started.start();
  await logHolds("up\n");
  await started.stop(5_000);
  expect(started.state()).toEqual({ kind: "stopped" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await readFile(join(folder, "x.log"), "utf8")).toBe("up\n");
});

test("kills a program that does not end when asked to", async () => {
  const started = shell("trap '' TERM; echo deaf; while :; do sleep 0.05; done");
  started.start();
  await logHolds("deaf\n");
  await started.stop(100);
  expect(started.state()).toEqual({ kind: "stopped" });
});

test("can be started again after a stop, but not twice", async () => {
  const started = shell("echo up; exec sleep 60");
  started.start();
  expect(() => started.start()).toThrow("x runs already");
  await started.kill();
  started.start();
  await logHolds("up\n");
});
