/** A door before a server that can be shut: then connections are refused, and those that were open end. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePorts } from "../../bench/process/free-port.ts";

export class Door {
  port = 0;
  #to: number;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;

  /** @param to a port of 127.0.0.1. */
  constructor(to: number) {
    this.#to = to;
  }

  /** Another server behind it, for whoever comes from now on. */
  leadTo(port: number): void {
    this.#to = port;
  }

  async open(): Promise<void> {
    const server = createServer((inside) => {
      const outside = connect(this.#to, "127.0.0.1");
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        this.#open.add(one);
        one.setNoDelay(true);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#open.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    // One that nobody is given while the door is shut.
    if (this.port === 0) [this.port = 0] = await freePorts(1);
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
  }

  async shut(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    const ended = [...this.#open].map(async (socket) => {
      if (!socket.closed) {
        const gone = once(socket, "close");
        socket.destroy();
        await gone;
      }
    });
    await Promise.all([closed, ...ended]);
  }
}
