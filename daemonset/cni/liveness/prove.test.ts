/** The whole proof, against runtimes in memory on real sockets. */
import { mkdir, mkdtemp, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OwnPod } from "../../containers/settings.ts";
import { openCri } from "../../runtime/cri.ts";
import type { EndpointReport } from "../../runtime/detect/describe.ts";
import type { CurrentRuntime } from "../../runtime/detect/watch.ts";
import { openCriDriver, type CriDriver } from "../../runtime/testing/cri-driver.ts";
import { startFakeContainerd, type FakeContainerd } from "../../runtime/testing/fake-containerd.ts";
import { makeOwnServices, type FakeOwnServices } from "../../runtime/testing/fake-own-services.ts";
import { Refusal } from "../../runtime/testing/grpc-server.ts";
import type { Liveness } from "./liveness.ts";
import { makeProveLiveness } from "./prove.ts";

const own: OwnPod = { kind: "pod", uid: "agent" };
const agentPod = { uid: "agent", namespace: "nodelatch-system", name: "nodelatch-agent-x" };
const webPod = { uid: "web", namespace: "default", name: "web" };
const starting = "e".repeat(64);
const never = new AbortController().signal;

let root: string;
let closing: (() => void)[];
let runtimes: CurrentRuntime[];
let reports: EndpointReport[];

interface Node {
  readonly fake: FakeContainerd;
  readonly services: FakeOwnServices;
  readonly driver: CriDriver;
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-prove-"));
  closing = [];
  runtimes = [];
  reports = [];
  await mkdir(join(root, "proc/self/ns"), { recursive: true });
  await symlink("net:[1]", join(root, "proc/self/ns/net"));
  await writeFile(join(root, "proc/mountinfo"), "");
});

afterEach(async () => {
  for (const close of closing) close();
  await rm(root, { recursive: true });
});

async function addRuntime(name: string, services = makeOwnServices(), version = "2.1.9"): Promise<Node> {
  const socketPath = join(root, `${runtimes.length}.sock`);
  const fake = await startFakeContainerd({ socketPath, own: services, name, version });
  const driver = openCriDriver({ socketPath, image: "x" });
  const runtime = openCri({ socketPath, hostPath: `/run/${name}.sock` });
  closing.push(
    () => runtime.close(),
    () => driver.close(),
    () => fake.close(),
  );
  runtimes.push({
    runtime,
    hostPath: `/run/${name}.sock`,
    name,
    version: "0",
    answers: true,
    kubelets: "configured",
    connection: runtime.connection,
  });
  reports.push({ hostPath: `/run/${name}.sock`, kind: "answers", ok: true, line: "answers" });
  return { fake, services, driver };
}

async function prove(pod: OwnPod = own, signal = never, timeoutMillis = 10_000): Promise<Liveness> {
  return makeProveLiveness({
    watch: { current: () => runtimes, describe: () => reports },
    own: pod,
    hostRoot: root,
    timeoutMillis,
    namespaces: {
      procfs: join(root, "proc"),
      mountInfo: join(root, "proc/mountinfo"),
      interfaces: () => ({}),
      enter: async () => Promise.reject(new Error("no nsenter")),
    },
  })(signal);
}

const proven = async (pod?: OwnPod) => {
  const liveness = await prove(pod);
  if (liveness.kind !== "proven") throw new Error(liveness.reason);
  return liveness;
};
const whyNot = async (pod?: OwnPod): Promise<string> => {
  const liveness = await prove(pod);
  return liveness.kind === "proven" ? "proven" : liveness.reason;
};

describe("a proof", () => {
  it("holds what CRI lists, what is starting, ids on disk and addresses", async () => {
    const { services, driver } = await addRuntime("containerd");
    const agent = await driver.runSandbox(agentPod, 0);
    const web = await driver.runSandbox(webPod, 2);
    await driver.stopSandbox(web);
    services.sandboxes.add(starting);
    await mkdir(join(root, "var/lib/containers/storage/overlay-containers", "f".repeat(64)), {
      recursive: true,
    });
    await mkdir(join(root, "proc/20/ns"), { recursive: true });
    await mkdir(join(root, "proc/20/net"));
    await symlink("net:[2]", join(root, "proc/20/ns/net"));
    await writeFile(join(root, "proc/20/net/fib_trie"), "|-- 10.42.0.7\n/32 host LOCAL\n");
    const liveness = await proven();
    expect(
      [...liveness.sandboxes.values()].map(({ id, pod, state, attempt }) => [id, pod?.uid, state, attempt]),
    ).toEqual([
      [agent, "agent", "ready", 0],
      [web, "web", "not-ready", 2],
    ]);
    expect(liveness.otherIDs).toEqual(new Set([starting, "f".repeat(64)]));
    expect(liveness.addresses).toEqual(new Set(["10.42.0.7"]));
    expect(liveness.ownedBy).toBe("own-pod");
    const asked = {
      name: "containerd",
      version: "2.1.9",
      hostPath: "/run/containerd.sock",
    };
    expect(liveness.runtimes).toEqual([asked]);
  });

  it("is the union over several runtimes; the agent's own pod is in one of them", async () => {
    const first = await addRuntime("containerd");
    const second = await addRuntime(
      "cri-o",
      makeOwnServices(["containers", "sandboxes", "leases"]),
      "1.33.0",
    );
    const a = await first.driver.runSandbox(agentPod, 0);
    const b = await second.driver.runSandbox(webPod, 0);
    const liveness = await proven();
    expect([...liveness.sandboxes.keys()]).toEqual([a, b]);
    expect(liveness.runtimes.map(({ name }) => name)).toEqual(["containerd", "cri-o"]);
  });

  it("by hand needs no pod, and says so", async () => {
    const { driver } = await addRuntime("containerd");
    await driver.runSandbox(webPod, 0);
    expect((await proven({ kind: "none" })).ownedBy).toBe("ready-lease-needed");
  });
});

describe("nothing is proven", () => {
  it("without a runtime", async () => {
    expect(await whyNot()).toBe("no container runtime has answered");
  });

  it("while the agent's own pod is not known", async () => {
    const { driver } = await addRuntime("containerd");
    await driver.runSandbox(agentPod, 0);
    expect(await whyNot({ kind: "unknown" })).toMatch(/^own pod is not known/);
  });

  it.each(["empty", "without it", "not READY"])(
    "by a list that is %s, for it is not kubelet's",
    async (how) => {
      const { driver } = await addRuntime("containerd");
      if (how !== "empty") await driver.runSandbox(webPod, 0);
      if (how === "not READY") await driver.stopSandbox(await driver.runSandbox(agentPod, 0));
      expect(await whyNot()).toMatch(/READY sandbox of the agent's own pod agent: it is not kubelet's$/);
    },
  );

  it("if one of several runtimes does not answer any more", async () => {
    const { driver } = await addRuntime("containerd");
    const second = await addRuntime("cri-o");
    await driver.runSandbox(agentPod, 0);
    expect(await whyNot()).toBe("proven");
    second.fake.close();
    expect(await whyNot()).toMatch(/\/run\/cri-o\.sock does not tell what is alive: .*UNAVAILABLE/);
  });

  it("if a runtime that should be there never answered", async () => {
    const { driver } = await addRuntime("containerd");
    await driver.runSandbox(agentPod, 0);
    reports.push({
      hostPath: "/run/crio.sock",
      kind: "absent",
      ok: false,
      line: "/run/crio.sock: no such socket",
    });
    expect(await whyNot()).toBe("/run/crio.sock: no such socket");
  });

  it.each([
    ["Version", "not initialized"],
    ["ListPodSandbox", "server is not initialized yet"],
  ] as const)("if %s fails", async (method, words) => {
    const { driver, fake } = await addRuntime("containerd");
    await driver.runSandbox(agentPod, 0);
    fake.override(method, async () => Promise.reject(new Refusal(status.UNKNOWN, words)));
    expect(await whyNot()).toContain(words);
  });

  it.each(["containers", "sandboxes", "leases"] as const)("if containerd's %s fail", async (service) => {
    const { driver, services } = await addRuntime("containerd");
    await driver.runSandbox(agentPod, 0);
    services.faults.set(service, new Refusal(status.UNAVAILABLE, "shutting down"));
    expect(await whyNot()).toMatch(/does not tell what is alive: containerd\.services.*shutting down/);
  });

  it("if a namespace can't be looked into, or ids on disk can't be read", async () => {
    const { driver } = await addRuntime("containerd");
    await driver.runSandbox(agentPod, 0);
    await writeFile(join(root, "proc/mountinfo"), "1 2 0:4 net:[5] /run/netns/x rw - nsfs nsfs rw\n");
    expect(await whyNot()).toMatch(/look into 1 network namespaces: no nsenter$/);
    await writeFile(join(root, "proc/mountinfo"), "");
    expect(await whyNot()).toBe("proven");
    await mkdir(join(root, "var/lib/containers"), { recursive: true });
    await symlink("storage", join(root, "var/lib/containers/storage"));
    expect(await whyNot()).toContain("list /var/lib/containers/storage");
    expect(await readlink(join(root, "var/lib/containers/storage"))).toBe("storage");
  });

  it("after the deadline, or when the caller gives up", async () => {
    const { fake } = await addRuntime("containerd");
    fake.override("ListPodSandbox", async () => new Promise(() => {}));
    expect((await prove(own, never, 200)).kind).toBe("unproven");
    expect((await prove(own, AbortSignal.abort())).kind).toBe("unproven");
  });
});
