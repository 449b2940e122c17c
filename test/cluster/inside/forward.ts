import { connect, type Server, type Socket } from "node:net";
import { apiPort } from "../config/addresses.ts";

/**
 * Passes every connection of `server` on to the API server. A socket belongs to the network namespace it was made in:
 * the server's comes from outside, the connection is made in here. So tests need no namespace, and the machine's own
 * network gets neither a device nor a route.
 */
export function forwardToApi(server: Server): void {
  server.on("connection", (outer: Socket) => {
    const inner = connect({ host: "127.0.0.1", port: apiPort, noDelay: true });
    outer.setNoDelay(true);
    outer.pipe(inner);
    inner.pipe(outer);
    // No API server: the caller's connection is reset, as a refused one.
    inner.once("error", () => outer.resetAndDestroy());
    outer.once("error", () => inner.resetAndDestroy());
    outer.once("close", () => inner.destroy());
    inner.once("close", () => outer.destroy());
  });
}
