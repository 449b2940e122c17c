import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Where ports are looked for: below those that kernels give to whoever asks for any (ip_local_port_range, by default from
 * 32768), so that none is given away between the look and its use.
 */
const [FIRST, LAST] = [15_000, 30_000];
const MOST_TRIES = 100;

/** Ports of 127.0.0.1 that nothing listens on now, all different. Somebody else's look may still end at the same one. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (let tries = 0; ports.length < count; tries += 1) {
      const port = randomInt(FIRST, LAST);
      const server = await listening(port, tries >= MOST_TRIES);
      if (server === undefined) continue;
      servers.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(servers.map(async (server) => closed(server)));
  }
}

/** Undefined where it is taken. @throws Error instead, if it is the last try. */
async function listening(port: number, isLast: boolean): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen({ host: "127.0.0.1", port });
    await once(server, "listening");
    return server;
  } catch (cause) {
    if (isLast) throw new Error(`no free port of 127.0.0.1 from ${FIRST} to ${LAST}`, { cause });
    return undefined;
  }
}

async function closed(server: Server): Promise<void> {
  const end = once(server, "close");
  server.close();
  await end;
}
