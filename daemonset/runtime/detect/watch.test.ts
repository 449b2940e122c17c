import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeResponse } from "../testing/cri-codec.ts";
import { startFakeContainerd } from "../testing/fake-containerd.ts";
import { startFakeEngine } from "../testing/fake-engine.ts";
import { serveGrpc } from "../testing/grpc-server.ts";
import { defaultKubeletFiles } from "./kubelet-endpoint.ts";
import { pauseMillis, watchRuntimes, type RuntimeWatch } from "./watch.ts";

const CONTAINERD = "/run/containerd/containerd.sock";
const CRI_DOCKERD = "/run/cri-dockerd.sock";
const DOCKER = "/run/docker.sock";

let root: string;
let ending: AbortController;
let closing: (() => void)[];
let pauses: number[];

beforeEach(async () => {
  // Short: a socket's path has no more than 107 bytes.
  root = await mkdtemp(join(tmpdir(), "nl-"));
  ending = new AbortController();
  closing = [];
  pauses = [];
});

afterEach(async () => {
  ending.abort();
  for (const close of closing) close();
  await rm(root, { recursive: true });
});

function watch(explicit: readonly string[] = [], callMillis = 10_000): RuntimeWatch {
  return watchRuntimes(
    {
      hostRoot: root,
      explicit,
      kubeletFiles: defaultKubeletFiles,
      dockerHostPath: DOCKER,
      callMillis,
    },
    {
      random: () => 0.5,
      // Rounds come by refresh alone.
      sleep: async (millis, signal) => {
        pauses.push(millis);
        await sleep(600_000, undefined, { signal, ref: false }).catch(() => undefined);
      },
    },
    ending.signal,
  );
}

async function under(hostPath: string): Promise<string> {
  const path = join(root, hostPath);
  await mkdir(dirname(path), { recursive: true });
  return path;
}

async function serveContainerd(hostPath: string, name = "containerd") {
  const fake = await startFakeContainerd({ socketPath: await under(hostPath), name });
  closing.push(() => fake.close());
  return fake;
}

async function serveDocker(hostPath: string) {
  const fake = await startFakeEngine(await under(hostPath));
  closing.push(() => fake.close());
  return fake;
}

async function writeKubeletConfig(content: string): Promise<void> {
  await writeFile(await under("/var/lib/kubelet/config.yaml"), content);
}

const found = (runtimes: RuntimeWatch) =>
  runtimes
    .current()
    .map(({ hostPath, name, answers, kubelets }) => `${name} ${hostPath} ${answers} ${kubelets}`);
const lines = (runtimes: RuntimeWatch) =>
  runtimes.describe().map(({ ok, line }) => `${ok ? "ok" : "NOT OK"} ${line}`);

describe("the runtimes of a node", () => {
  it("are several where several answer, kubelet's among the known sockets unknown", async () => {
    await serveContainerd(CONTAINERD);
    await serveDocker(DOCKER);
    const runtimes = watch();
    await runtimes.refresh();
    expect(found(runtimes)).toEqual([
      `containerd ${CONTAINERD} true unknown`,
      `docker ${DOCKER} true unknown`,
    ]);
    expect(lines(runtimes)).toEqual([
      `ok containerd 1.7.24 at ${CONTAINERD} answers (not known to be kubelet's)`,
      `ok docker 20.10.24 at ${DOCKER} answers (not known to be kubelet's)`,
    ]);
    expect(runtimes.current()[0]?.connection).toBeDefined();
    expect(pauses.at(-1)).toBe(60_000);
  });

  it("are kubelet's alone where its configuration names it, and found as soon as they are there", async () => {
    await writeKubeletConfig("containerRuntimeEndpoint: unix:///var/run/x.sock\n");
    await serveContainerd(CONTAINERD);
    const runtimes = watch();
    await runtimes.refresh();
    expect(found(runtimes)).toEqual([]);
    expect(lines(runtimes)).toEqual([
      "NOT OK /var/run/x.sock: no such socket (kubelet's by /var/lib/kubelet/config.yaml)",
    ]);
    await serveContainerd("/var/run/x.sock");
    await runtimes.refresh();
    expect(found(runtimes)).toEqual(["containerd /var/run/x.sock true configured"]);
  });

  it("follow kubelet's configuration when it comes or changes", async () => {
    await serveContainerd(CONTAINERD);
    await serveContainerd("/run/y.sock");
    const runtimes = watch();
    await runtimes.refresh();
    const first = runtimes.current()[0];
    expect(found(runtimes)).toEqual([`containerd ${CONTAINERD} true unknown`]);
    await writeKubeletConfig("containerRuntimeEndpoint: unix:///run/y.sock\n");
    await runtimes.refresh();
    expect(found(runtimes)).toEqual(["containerd /run/y.sock true configured"]);
    await expect(first?.runtime.version(ending.signal)).rejects.toThrow("Channel has been shut down");
  });

  it("keep one that went away, say so, and use the same again when it is back", async () => {
    const fake = await serveContainerd(CONTAINERD);
    const runtimes = watch([CONTAINERD]);
    await runtimes.refresh();
    const [before] = runtimes.current();
    fake.close();
    await runtimes.refresh();
    expect(found(runtimes)).toEqual([`containerd ${CONTAINERD} false unknown`]);
    expect(runtimes.describe()[0]).toMatchObject({ kind: "slow", ok: false });
    await serveContainerd(CONTAINERD);
    await expect
      .poll(
        async () => {
          await runtimes.refresh();
          return found(runtimes);
        },
        { timeout: 10_000 },
      )
      .toEqual([`containerd ${CONTAINERD} true unknown`]);
    expect(runtimes.current()[0]?.runtime).toBe(before?.runtime);
  });

  it("put Docker behind cri-dockerd for removals, also when it comes later", async () => {
    const cri = await serveContainerd(CRI_DOCKERD, "docker");
    const runtimes = watch();
    await runtimes.refresh();
    expect(lines(runtimes)[0]).toContain(
      `removes through CRI, which forces, as Docker itself can't be reached`,
    );
    const before = runtimes.current()[0]?.runtime;
    await runtimes.refresh();
    expect(runtimes.current()[0]?.runtime).toBe(before);
    const docker = await serveDocker(DOCKER);
    await runtimes.refresh();
    expect(found(runtimes)).toEqual([`docker ${CRI_DOCKERD} true unknown`]);
    expect(await runtimes.current()[0]?.runtime.removeContainer("c", ending.signal)).toEqual({
      kind: "gone",
    });
    expect(docker.calls.at(-1)).toBe("DELETE /v1.41/containers/c");
    expect(cri.calls).not.toContain("RemoveContainer");
    await runtimes.current()[0]?.runtime.listContainers(ending.signal);
    expect(cri.calls.at(-1)).toBe("ListContainers");
  });
});

describe("an endpoint that is no runtime to work with", () => {
  it.each<[string, string, string, (path: string) => Promise<void>]>([
    ["nothing there", "absent", `${CONTAINERD}: no such socket`, async () => {}],
    ["a plain file", "absent", `${CONTAINERD}: nobody listens on it`, async (path) => writeFile(path, "")],
    ["silence", "slow", "Version: no answer within 300 ms", async (path) => listen(path, () => {})],
    [
      "garbage",
      "nonsense",
      "Version: ",
      async (path) => listen(path, (socket) => socket.write("x".repeat(100))),
    ],
    [
      "CRI switched off",
      "without-cri",
      "; its CRI is switched off, or it is none of Kubernetes",
      async (path) => {
        const server = await serveGrpc(path, {});
        closing.push(() => server.close());
      },
    ],
    [
      "CRI v1alpha2 only",
      "too-old",
      "containerd v1.5.18 at /run/containerd/containerd.sock is too old: it has CRI v1alpha2 only",
      async (path) => {
        const version = encodeResponse("Version", { runtime_name: "containerd", runtime_version: "v1.5.18" });
        const server = await serveGrpc(path, {
          "/runtime.v1alpha2.RuntimeService/Version": async () => Promise.resolve(version),
        });
        closing.push(() => server.close());
      },
    ],
  ])("%s", async (_name, kind, words, prepare) => {
    await prepare(await under(CONTAINERD));
    const runtimes = watch([CONTAINERD], kind === "slow" ? 300 : 10_000);
    await runtimes.refresh();
    const [report] = runtimes.describe();
    expect(report).toMatchObject({ hostPath: CONTAINERD, kind, ok: false });
    expect(report?.line).toContain(words);
    expect(runtimes.current()).toEqual([]);
    expect(pauses.at(-1)).toBeLessThanOrEqual(1_000);
  });

  it("is no trouble where it was only a guess and another one answers", async () => {
    const server = await serveGrpc(await under(CONTAINERD), {});
    closing.push(() => server.close());
    await serveDocker(DOCKER);
    const runtimes = watch();
    await runtimes.refresh();
    expect(runtimes.describe().map(({ kind, ok }) => `${kind} ${ok}`)).toEqual([
      "without-cri true",
      "answers true",
    ]);
    expect(pauses.at(-1)).toBe(60_000);
  });

  it("is a Docker under another name", async () => {
    await serveDocker("/run/moby.sock");
    const runtimes = watch(["/run/moby.sock"]);
    await runtimes.refresh();
    expect(found(runtimes)).toEqual(["docker /run/moby.sock true unknown"]);
  });
});

describe("a watch", () => {
  it("names all that it tried where nothing answers, and what kubelet's files say amiss", async () => {
    await writeKubeletConfig("a: [");
    const runtimes = watch();
    await runtimes.refresh();
    expect(runtimes.describe()).toHaveLength(7);
    expect(runtimes.describe().every(({ ok }) => !ok)).toBe(true);
    expect(runtimes.complaints()[0]).toMatch(/^\/var\/lib\/kubelet\/config\.yaml: not YAML/);
  });

  it("ends by its signal, closes its runtimes, and answers whoever still waits", async () => {
    await serveContainerd(CONTAINERD);
    const runtimes = watch([CONTAINERD]);
    await runtimes.refresh();
    const [first] = runtimes.current();
    const waiting = runtimes.refresh();
    ending.abort();
    await waiting;
    await runtimes.ended;
    await runtimes.refresh();
    expect(runtimes.current()).toEqual([]);
    await expect(first?.runtime.version(new AbortController().signal)).rejects.toThrow("has been shut down");
  });

  it.each([
    [0, 0, 54_000],
    [0, 1, 66_000],
    [1, 0, 250],
    [1, 1, 500],
    [2, 1, 1_000],
    [7, 1, 30_000],
    [1_000, 0, 15_000],
    [1_000, 1, 30_000],
  ])("after %s rounds with something missed and chance %s waits %s ms", (failures, random, millis) => {
    expect(pauseMillis(failures, random)).toBeCloseTo(millis);
  });
});

async function listen(path: string, onSocket: (socket: Socket) => void): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(path);
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}
