/** What a runtime, or what was taken for one, may do to the agent: half answers, garbage, floods. */
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCri, type CriRuntime } from "./cri.ts";
import { failureOf } from "./testing/failure.ts";
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
  runtime = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 10_000, listMillis: 10_000 });
  closing = [];
});

afterEach(async () => {
  runtime.close();
  for (const close of closing) close();
  await rm(folder, { recursive: true });
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
    await expect(runtime.listContainers(never)).rejects.toMatchObject({ kind: "nonsense" });
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
    await expect(runtime.version(never)).rejects.toMatchObject({ kind: "nonsense" });
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
    expect((await failureOf(hasty().version(never))).kind).toMatch(/^(?:nonsense|deadline)$/);
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
    const asked = kind === "deadline" ? hasty() : runtime;
    await expect(asked.listContainers(never)).rejects.toMatchObject({ kind });
  });
});

/** Its deadline is what is tested; elsewhere a busy machine must not bring one about. */
function hasty(): CriRuntime {
  const other = openCri({ socketPath, hostPath: "/run/x.sock", callMillis: 300, listMillis: 300 });
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
