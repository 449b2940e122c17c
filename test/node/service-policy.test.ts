import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../cluster/process/run.ts";
import { withoutServices } from "./service-policy.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-policy-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const absent = async (file: string) =>
  stat(file).then(
    () => false,
    () => true,
  );

test("services are forbidden while packages are installed, and allowed again even if that fails", async () => {
  const file = join(folder, "policy-rc.d");
  const failing = withoutServices(async () => {
    expect((await run([file, "docker", "start"], { timeoutMillis: 10_000 })).code).toBe(101);
    throw new Error("no network");
  }, file);
  await expect(failing).rejects.toThrow("no network");
  expect(await absent(file)).toBe(true);
});

test("a policy of the machine's own stays as it is, a leftover of ours goes", async () => {
  const file = join(folder, "policy-rc.d");
  await writeFile(file, "#!/bin/sh\nexit 0\n");
  await withoutServices(async () => undefined, file);
  expect(await readFile(file, "utf8")).toBe("#!/bin/sh\nexit 0\n");
  await rm(file);
  await withoutServices(async () => {
    const left = await readFile(file, "utf8");
    await rm(file);
    await writeFile(file, left);
    await withoutServices(async () => undefined, file);
    expect(await absent(file)).toBe(true);
  }, file);
});
