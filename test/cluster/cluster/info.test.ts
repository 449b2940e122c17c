import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readInfo, writeInfo } from "./info.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-info-"));
});
afterAll(async () => rm(folder, { recursive: true }));

const info = {
  id: "x",
  workFolder: "/w",
  server: "https://127.0.0.1:1",
  kubeconfig: "/k",
  kubectl: "/b/kubectl",
  helm: "/b/helm",
  nodes: ["node1"],
};

test("what was written is read again", async () => {
  const file = join(folder, "cluster.json");
  await writeInfo(file, info);
  expect(await readInfo(file)).toEqual(info);
});

test("a cluster that is gone is called so, with the remedy", async () => {
  await expect(readInfo(join(folder, "gone.json"))).rejects.toThrow(
    "start one with npm run test:cluster -- --up",
  );
});

test("a missing field is named", async () => {
  const file = join(folder, "broken.json");
  await writeFile(file, JSON.stringify({ ...info, server: undefined }));
  await expect(readInfo(file)).rejects.toThrow(`${file}: server: expected text`);
});
