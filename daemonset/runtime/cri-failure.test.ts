/** Runtimes that answer with an error, or not at all. */
import { createServer, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCri, type CriRuntime } from "./cri.ts";
import { encodeResponse } from "./testing/cri-codec.ts";
import { failureOf } from "./testing/failure.ts";
import { Refusal, serveGrpc } from "./testing/grpc-server.ts";
import { startFakeContainerd } from "./testing/fake-containerd.ts";

const never = new AbortController().signal;
let folder: string;
let socketPath: string;
let runtime: CriRuntime;
let closing: (() => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-cri-"));
  socketPath = join(folder, "c.sock");
  runtime = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 10_000, listMillis: 10_000 });
  closing = [];
});

afterEach(async () => {
  runtime.close();
  for (const close of closing) close();
  await rm(folder, { recursive: true });
});

describe("an error of the runtime", () => {
  const starting =
    'failed to set removing state for container "c": container is in starting state, can\'t be removed';
  const removing = 'failed to set removing state for container "c": container is already in removing state';

  it.each([
    [status.CANCELLED, "context canceled", "other"],
    [status.UNKNOWN, "server is not initialized yet", "unavailable"],
    [status.UNKNOWN, starting, "busy"],
    [status.UNKNOWN, removing, "busy"],
    [status.UNKNOWN, "failed to delete containerd container: device or resource busy", "other"],
    [status.INVALID_ARGUMENT, "bad", "other"],
    [status.DEADLINE_EXCEEDED, "context deadline exceeded", "deadline"],
    [status.NOT_FOUND, "an error occurred when try to find container: not found", "not-found"],
    [status.ALREADY_EXISTS, "exists", "other"],
    [status.PERMISSION_DENIED, "no", "other"],
    [status.RESOURCE_EXHAUSTED, "trying to send message larger than max (16777217 vs. 16777216)", "nonsense"],
    [status.RESOURCE_EXHAUSTED, "disk full", "other"],
    [status.FAILED_PRECONDITION, "no", "other"],
    [status.ABORTED, "no", "other"],
    [status.OUT_OF_RANGE, "no", "other"],
    [status.UNIMPLEMENTED, "unknown service runtime.v1.RuntimeService", "unimplemented"],
    [status.INTERNAL, "panic", "other"],
    [status.UNAVAILABLE, "shutting down", "unavailable"],
    [status.DATA_LOSS, "no", "other"],
    [status.UNAUTHENTICATED, "no", "other"],
  ])("%s %s", async (code, details, kind) => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("ListContainers", async () => Promise.reject(new Refusal(code, details)));
    const failure = await failureOf(runtime.listContainers(never));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toMatch(/^container runtime at \/run\/x\.sock: ListContainers: /);
  });

  it("leaves removal with the result that it failed, and why", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("RemoveContainer", async () => Promise.reject(new Refusal(status.UNKNOWN, "disk\nfull")));
    const message = "container runtime at /run/x.sock: RemoveContainer: UNKNOWN(2): disk full";
    expect(await runtime.removeContainer("c", never)).toMatchObject({ kind: "failed", message });
    fake.override("RemoveContainer", async () => Promise.reject(new Refusal(status.NOT_FOUND, "not found")));
    expect(await runtime.removeContainer("c", never)).toEqual({ kind: "gone" });
  });
});

describe("a stop of a sandbox", () => {
  it("that fails says why; one of a sandbox that is gone has nothing left to do", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("StopPodSandbox", async () =>
      Promise.reject(new Refusal(status.UNKNOWN, "failed to destroy network")),
    );
    const message = "container runtime at /run/x.sock: StopPodSandbox: UNKNOWN(2): failed to destroy network";
    expect(await runtime.stopSandbox("s", never)).toMatchObject({ kind: "failed", message });
    fake.override("StopPodSandbox", async () => Promise.reject(new Refusal(status.NOT_FOUND, "not found")));
    expect(await runtime.stopSandbox("s", never)).toEqual({ kind: "stopped" });
  });
});

describe("silence", () => {
  it("ends at the deadline where the runtime hangs", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("ListContainers", async () => new Promise(() => {}));
    await expect(hasty().listContainers(never)).rejects.toMatchObject({
      kind: "deadline",
      message: "container runtime at /run/x.sock: ListContainers: no answer within 300 ms",
    });
  });

  it("ends at the deadline where nothing ever answers on the socket", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(socketPath);
    await once(server, "listening");
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await expect(hasty().version(never)).rejects.toMatchObject({ kind: "deadline" });
  });

  it("ends as soon as the caller gives up, and is not sent at all after that", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    const giveUp = new AbortController();
    fake.override("ListContainers", async () => {
      giveUp.abort();
      return new Promise(() => {});
    });
    const words = "container runtime at /run/x.sock: ListContainers: given up, no longer wanted";
    await expect(runtime.listContainers(giveUp.signal)).rejects.toMatchObject({
      kind: "deadline",
      message: words,
    });
    await expect(runtime.listContainers(giveUp.signal)).rejects.toMatchObject({
      kind: "deadline",
      message: words,
    });
    expect(fake.calls).toEqual(["ListContainers"]);
  });
});

describe("nobody there", () => {
  it("is unavailable, and the runtime is used again as soon as it is there", async () => {
    const failure = await failureOf(runtime.version(never));
    expect(failure.kind).toBe("unavailable");
    expect(failure.message).toContain("ENOENT");
    const first = await startFakeContainerd({ socketPath });
    await expect
      .poll(async () => runtime.version(never).catch(() => "no"), { timeout: 10_000 })
      .toMatchObject({ name: "containerd" });
    first.close();
    await expect(runtime.listContainers(never)).rejects.toMatchObject({ kind: "unavailable" });
    const second = await startFakeContainerd({ socketPath });
    closing.push(() => second.close());
    await expect
      .poll(async () => runtime.listContainers(never).catch(() => "no"), { timeout: 10_000 })
      .toEqual([]);
  });
});

describe("a runtime of before CRI v1", () => {
  it("is told apart from one without CRI", async () => {
    const version = encodeResponse("Version", { runtime_name: "containerd", runtime_version: "v1.5.18" });
    const server = await serveGrpc(socketPath, {
      "/runtime.v1alpha2.RuntimeService/Version": async () => Promise.resolve(version),
    });
    closing.push(() => server.close());
    const failure = await failureOf(runtime.version(never));
    expect(failure.kind).toBe("too-old");
    expect(failure.message).toBe(
      "containerd v1.5.18 at /run/x.sock is too old: it has CRI v1alpha2 only; upgrade it (containerd >= 1.6, CRI-O >= 1.20, cri-dockerd >= 0.3)",
    );
  });

  it("is not what a runtime with its CRI switched off is taken for", async () => {
    const server = await serveGrpc(socketPath, {});
    closing.push(() => server.close());
    expect((await failureOf(runtime.version(never))).kind).toBe("unimplemented");
  });
});

/** Its deadline is what is tested; elsewhere a busy machine must not bring one about. */
function hasty(): CriRuntime {
  const other = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 300, listMillis: 300 });
  closing.push(() => other.close());
  return other;
}
