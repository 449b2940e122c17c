import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { uptime, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readBootAge } from "./boot-age.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-boot-age-"));
  await mkdir(join(root, "proc/1"), { recursive: true });
});
afterEach(async () => rm(root, { recursive: true, force: true }));

const stat = (name: string, ticks: string): string =>
  `1 (${name}) S ${"0 ".repeat(18)}${ticks} 170000000 3000 0\n`;

async function write(uptimeText: string, statText: string): Promise<void> {
  await writeFile(join(root, "proc/uptime"), uptimeText);
  await writeFile(join(root, "proc/1/stat"), statText);
}

test.each([
  ["systemd", "100", "3600.50 7000.00\n", 3_599_500],
  // A name may hold what separates the fields.
  ["a) S 1 (b", "100", "3600.50 7000.00\n", 3_599_500],
  // A machine that was started an hour after the kernel that it shares.
  ["sh", "360000", "3605.00 7000.00\n", 5_000],
  // Rounded differently, never negative.
  ["sh", "360001", "3600.00 7000.00\n", 0],
])(
  "process 1 %j that was started after %s ticks, at an uptime of %j, is %i ms old",
  async (name, ticks, up, age) => {
    await write(up, stat(name, ticks));
    expect(await readBootAge(root)).toBe(age);
  },
);

test("this machine's own is no greater than its uptime", async () => {
  const age = await readBootAge("/");
  expect(age).toBeGreaterThan(0);
  expect(age).toBeLessThanOrEqual((uptime() + 1) * 1_000);
});

test.each([
  ["", stat("sh", "1"), "/proc/uptime does not begin with seconds"],
  ["x y\n", stat("sh", "1"), "/proc/uptime does not begin with seconds"],
  ["1.00 1.00\n", "", "/proc/1/stat names no start time"],
  ["1.00 1.00\n", "1 (sh) S 0\n", "/proc/1/stat names no start time"],
  ["1.00 1.00\n", stat("sh", "x"), "/proc/1/stat names no start time"],
])("%j and %j are errors that name the file", async (up, text, words) => {
  await write(up, text);
  await expect(readBootAge(root)).rejects.toThrow(words);
});

test("so is a file that is not there", async () => {
  await expect(readBootAge(root)).rejects.toThrow("/proc/uptime does not exist");
});
