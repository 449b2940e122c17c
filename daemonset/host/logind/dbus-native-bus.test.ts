/** What is no bus. A real one: test/node/host/bus.node.ts. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { reasonOf } from "../reason.ts";
import { makeBusConnector } from "./dbus-native-bus.ts";

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "nodelatch-bus-"));
  cleanups.push(async () => rm(made, { recursive: true, force: true }));
  return made;
}

/** Something that listens where the bus should. */
async function impostor(onSocket: (socket: Socket) => void): Promise<string> {
  const path = join(await folder(), "socket");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(path);
  await once(server, "listening");
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return `unix:path=${path}`;
}

async function refusalOf(address: string, millis: number): Promise<string> {
  try {
    const bus = await makeBusConnector(address)(() => {}, AbortSignal.timeout(millis));
    bus.close();
    return "connected";
  } catch (error) {
    return reasonOf(error);
  }
}

/** Where it is waited in vain. */
const BRIEF = 500;
/** Where something ends it: a busy machine must not bring the timeout about. */
const PATIENT = 60_000;

test.each<[string, (socket: Socket) => void, number, RegExp]>([
  ["takes the connection and says nothing", () => {}, BRIEF, /abort|timeout/i],
  ["hangs up", (socket) => void socket.end(), PATIENT, /clos|end/i],
  [
    "refuses every way to authenticate",
    (socket) => void socket.on("data", () => socket.write("REJECTED\r\n")),
    PATIENT,
    /auth/i,
  ],
  [
    "authenticates anyone and then says nothing",
    (socket) =>
      void socket.on("data", (text: Buffer) => {
        if (text.includes("AUTH")) socket.write("OK 1234deadbeef1234deadbeef12345678\r\n");
      }),
    BRIEF,
    /abort|timeout/i,
  ],
  [
    "authenticates anyone and then talks nonsense",
    (socket) =>
      void socket.on("data", () =>
        socket.write(`OK 1234deadbeef1234deadbeef12345678\r\n${"nonsense ".repeat(50)}`),
      ),
    PATIENT,
    /./,
  ],
  [
    "is a web server",
    (socket) => void socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    PATIENT,
    /./,
  ],
])(
  "what %s is no bus, which is a rejection with words and nothing else",
  async (_what, onSocket, millis, words) => {
    const before = performance.now();
    const reason = await refusalOf(await impostor(onSocket), millis);
    expect(reason).not.toBe("connected");
    expect(reason).toMatch(words);
    expect(performance.now() - before).toBeLessThan(10_000);
  },
);

test("no socket, which is a rejection too", async () => {
  expect(await refusalOf(`unix:path=${join(await folder(), "none")}`, PATIENT)).toMatch(/ENOENT/);
});
