import { appendFile, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kubernetesVersion } from "../../test/cluster/programs/recipe.ts";
import { sourceKey } from "./build.ts";

test("another source, checksum or Go is another program", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-go-webhook-"));
  try {
    await cp(import.meta.dirname, folder, { recursive: true });
    const keys = [await sourceKey(import.meta.dirname, "go1"), await sourceKey(import.meta.dirname, "go2")];
    expect(await sourceKey(folder, "go1")).toBe(keys[0]);
    for (const file of ["main.go", "go.mod", "go.sum"]) {
      await appendFile(join(folder, file), "\n");
      keys.push(await sourceKey(folder, "go1"));
    }
    expect(new Set(keys).size).toBe(5);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("its Kubernetes types are those of the API server that calls it", async () => {
  const module = await readFile(join(import.meta.dirname, "go.mod"), "utf8");
  const version = kubernetesVersion.replace("v1.", "v0.");
  expect(module).toContain(`k8s.io/api ${version}\n`);
  expect(module).toContain(`k8s.io/apimachinery ${version}\n`);
});
