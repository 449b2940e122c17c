/** What a runtime, or what was taken for one, may do to the agent: every error code, silence, half answers, garbage. */
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCri, type CriRuntime } from "./cri.ts";
import { failureOf } from "./testing/failure.ts";
import { Refusal } from "./testing/grpc-server.ts";
import { startFakeContainerd } from "./testing/fake-containerd.ts";
import { encodeMessage } from "./wire/encode.ts";

const never = new AbortController().signal;
let folder: string;
let socketPath: string;
let runtime: CriRuntime;
let closing: (() => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-cri-"));
  socketPath = join(folder, "c.sock");
  runtime = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 300, listMillis: 300 });
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

describe("silence", () => {
  it("ends at the deadline where the runtime hangs", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("ListContainers", async () => new Promise(() => {}));
    await expect(runtime.listContainers(never)).rejects.toMatchObject({
      kind: "deadline",
      message: "container runtime at /run/x.sock: ListContainers: no answer within 300 ms",
    });
  });

  it("ends at the deadline where nothing ever answers on the socket", async () => {
    await listenRaw(() => {});
    await expect(runtime.version(never)).rejects.toMatchObject({ kind: "deadline" });
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
      .poll(async () => runtime.version(never).catch(() => "no"), { timeout: 5_000 })
      .toMatchObject({ name: "containerd" });
    first.close();
    await expect(runtime.listContainers(never)).rejects.toMatchObject({ kind: "unavailable" });
    const second = await startFakeContainerd({ socketPath });
    closing.push(() => second.close());
    await expect
      .poll(async () => runtime.listContainers(never).catch(() => "no"), { timeout: 5_000 })
      .toEqual([]);
  });
});

describe("an answer that can't be", () => {
  it.each([
    ["text", Buffer.from("<html>not found</html>")],
    ["a container without an id", encodeMessage([[1, encodeMessage([[2, "s"]])]])],
    ["a container without a sandbox", encodeMessage([[1, encodeMessage([[1, "c"]])]])],
    ["a cut message", encodeMessage([[1, encodeMessage([[1, "c"]])]]).subarray(0, -1)],
    ["a number for an id", encodeMessage([[1, encodeMessage([[1, 7n]])]])],
    ["millions of fields", Buffer.alloc(8_000_000, Buffer.from([0x08, 0x01]))],
    ["more than 16 MiB", Buffer.alloc(16 * 1024 * 1024 + 1)],
  ])("%s", async (_name, answer) => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("ListContainers", async () => Promise.resolve(answer));
    await expect(patient().listContainers(never)).rejects.toMatchObject({ kind: "nonsense" });
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["another container", encodeMessage([[1, encodeMessage([[1, "other"]])]])],
  ])("a status of %s", async (_name, answer) => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("ContainerStatus", async () => Promise.resolve(answer));
    await expect(runtime.containerState("c", never)).rejects.toMatchObject({ kind: "nonsense" });
  });

  it("names of nothing", async () => {
    const fake = await startFakeContainerd({ socketPath });
    closing.push(() => fake.close());
    fake.override("Version", async () => Promise.resolve(Buffer.alloc(0)));
    await expect(runtime.version(never)).rejects.toMatchObject({ kind: "nonsense" });
  });

  it.each([
    ["garbage", (socket: Socket) => socket.write(Buffer.alloc(100, 7))],
    ["HTTP/1.1", (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")],
  ])("%s instead of HTTP/2", async (_name, onSocket) => {
    await listenRaw(onSocket);
    await expect(patient().version(never)).rejects.toMatchObject({ kind: "nonsense" });
  });

  it("garbage without end ends at the latest at the deadline, in little memory", async () => {
    let sent = 0;
    await listenRaw((socket) => {
      const chunk = Buffer.alloc(65_536, 7);
      const pump = (): void => {
        do sent += chunk.length;
        while (socket.write(chunk));
      };
      socket.on("drain", pump);
      pump();
    });
    expect((await failureOf(runtime.version(never))).kind).toMatch(/^(?:nonsense|deadline)$/);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  const grpcHeaders = { ":status": 200, "content-type": "application/grpc" };
  const frame = (length: number, ...parts: readonly Buffer[]): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, ...parts]);
  };

  it.each<[string, string, (stream: ServerHttp2Stream) => void]>([
    ["a web server's 404", "nonsense", (stream) => stream.respond({ ":status": 404 }, { endStream: true })],
    [
      "half an answer, then the end",
      "nonsense",
      (stream) => {
        stream.respond(grpcHeaders);
        stream.end(frame(100, Buffer.alloc(50)));
      },
    ],
    [
      "half an answer, then the connection breaks",
      "unavailable",
      (stream) => {
        stream.respond(grpcHeaders);
        stream.write(frame(100, Buffer.alloc(50)), () => stream.session?.destroy());
      },
    ],
    [
      "half an answer, then silence",
      "deadline",
      (stream) => {
        stream.respond(grpcHeaders);
        stream.write(frame(100, Buffer.alloc(50)));
      },
    ],
    [
      "no message but a good status",
      "nonsense",
      (stream) => {
        stream.respond({ ...grpcHeaders, "grpc-status": "0" }, { endStream: true });
      },
    ],
    [
      "a length of 4 GiB",
      "nonsense",
      (stream) => {
        stream.respond(grpcHeaders);
        stream.write(frame(0xffff_ffff, Buffer.alloc(1_000)));
      },
    ],
    [
      // Nobody reads the second one, so the first 64 KiB of them are all that is ever sent.
      "lists without end",
      "deadline",
      (stream) => {
        stream.respond(grpcHeaders);
        const lists = Buffer.concat(Array<Buffer>(1_000).fill(frame(0)));
        const pump = (): void => {
          if (!stream.destroyed) stream.write(lists, pump);
        };
        pump();
      },
    ],
    [
      "one list, a byte at a time, without end",
      "deadline",
      (stream) => {
        stream.respond(grpcHeaders);
        stream.write(frame(1_000_000));
        const timer = setInterval(() => {
          if (stream.destroyed) clearInterval(timer);
          else stream.write(Buffer.alloc(1));
        }, 5);
      },
    ],
  ])("%s", async (_name, kind, onStream) => {
    const server = createHttp2Server();
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      onStream(stream);
    });
    server.on("session", (session) => session.on("error", () => {}));
    const sockets = track(server);
    server.listen(socketPath);
    await once(server, "listening");
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await expect(runtime.listContainers(never)).rejects.toMatchObject({ kind });
  });
});

/** A runtime whose deadline does not hide what is tested. */
function patient(): CriRuntime {
  const other = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 10_000 });
  closing.push(() => other.close());
  return other;
}

async function listenRaw(onSocket: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  const sockets = track(server);
  server.listen(socketPath);
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

function track(server: Pick<Server, "on">): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  return sockets;
}
