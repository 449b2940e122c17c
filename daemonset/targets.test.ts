import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeRuntime } from "./containers/testing/fake-runtime.ts";
import { targetOf } from "./targets.ts";

const ID = "0123456789abcdef".repeat(4);
const never = new AbortController().signal;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nl-"));
});
afterEach(async () => rm(root, { recursive: true }));

const current = (hostPath: string, name = "containerd") => ({
  runtime: new FakeRuntime(0n),
  hostPath,
  name,
  version: "2",
  answers: true,
  kubelets: "configured" as const,
  connection: undefined,
});

async function makeState(hostPath: string): Promise<void> {
  await mkdir(join(root, hostPath, "io.containerd.grpc.v1.cri/containers", ID), { recursive: true });
  await mkdir(join(root, hostPath, "io.containerd.runtime.v2.task/k8s.io", ID), { recursive: true });
}

test.each([
  ["/run/containerd/containerd.sock", "/run/containerd"],
  ["/run/k3s/containerd/containerd.sock", "/run/k3s/containerd"],
  ["/run/k0s/containerd.sock", "/run/k0s/containerd"],
])("containerd at %s keeps its state in %s", async (socket, directory) => {
  await makeState(directory);
  const target = await targetOf(current(socket), root);
  expect(target.key).toBe(socket);
  expect(await target.suspectedCreates?.(never)).toEqual([ID]);
  expect(await target.hasTask?.(ID, never)).toBe(true);
});

test("without a state directory to be seen, and for other runtimes, the runtime alone is asked", async () => {
  expect((await targetOf(current("/run/containerd/containerd.sock"), root)).hasTask).toBeUndefined();
  await makeState("/run/crio");
  const target = await targetOf(current("/run/crio/crio.sock", "cri-o"), root);
  expect(target.suspectedCreates).toBeUndefined();
  expect(target.hasTask).toBeUndefined();
});
