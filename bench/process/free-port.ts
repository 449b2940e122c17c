import { once } from "node:events";
import { createServer } from "node:net";

/** Ports of 127.0.0.1 that nothing listens on now, all different. Whoever comes first may still take one. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    const ports: number[] = [];
    for (const server of servers) {
      server.listen({ host: "127.0.0.1", port: 0 });
      await once(server, "listening");
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("a listening socket has no port");
      ports.push(address.port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}
