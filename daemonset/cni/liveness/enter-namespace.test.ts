import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { realTime, type Time } from "../../host/time.ts";
import { makeEnterNamespace } from "./enter-namespace.ts";
import { networkNamespaceOf } from "./proc-file.ts";

const never = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-enter-"));
});
afterEach(async () => rm(folder, { recursive: true }));

/** Two seconds are the deadline, for which a busy machine may hold up any process. Of this one they are 200. */
const patientTime: Time = { ...realTime, monotonicMillis: () => performance.now() / 100 };

/** `body` stands in for nsenter, which takes root. */
async function enterWith(
  body: string,
  signal = never,
  use: (process: string) => boolean = () => true,
  time = patientTime,
) {
  const program = join(folder, "nsenter");
  await writeFile(program, `#!/bin/sh\n${body}\n`);
  await chmod(program, 0o755);
  const enter = makeEnterNamespace({ hostRoot: "/host", time, program });
  const inode = networkNamespaceOf("/proc/self") ?? "";
  return enter({ path: "/run/netns/x", inode, use, signal });
}

test.runIf(process.platform === "linux")("the process is shown, and is gone afterwards", async () => {
  const seen: string[] = [];
  await enterWith('echo "$1" > "$0.said"; exec cat', never, (process) => {
    seen.push(process);
    return seen.length === 3;
  });
  expect(seen).toHaveLength(3);
  expect(networkNamespaceOf(seen[0] ?? "")).toBeUndefined();
});

test.runIf(process.platform === "linux")("what nsenter complains of is the reason", async () => {
  const failing = enterWith("echo 'nsenter: cannot open /x' >&2; exit 1", never, () => false);
  await expect(failing).rejects.toThrow("look into /run/netns/x: nsenter: cannot open /x");
});

test.runIf(process.platform === "linux")("one that never gets there is given up", async () => {
  const failing = enterWith("exec cat", never, () => false, realTime);
  await expect(failing).rejects.toThrow("not in there within 2000 ms");
});

test.runIf(process.platform === "linux")("a caller that gives up ends it", async () => {
  const failing = enterWith("exec cat", AbortSignal.timeout(100), () => false);
  await expect(failing).rejects.toThrow("given up");
});

test("without nsenter there is a reason that says so", async () => {
  const program = join(folder, "none");
  const enter = makeEnterNamespace({ hostRoot: "/", time: realTime, program });
  const asked = enter({ path: "/run/netns/x", inode: "0", use: () => true, signal: never });
  await expect(asked).rejects.toThrow("none is not there (Debian package util-linux)");
});
