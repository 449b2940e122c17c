import type { AddressInfo, Server } from "node:net";

/** Resolves once `server` takes connections. Port 0 = any free one. @throws Error if the address is taken. */
export function listen(server: Server, port: number, host: string | undefined): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      reject(new Error(`listen on ${host ?? "every address"}, port ${port}: ${cause.message}`, { cause }));
    };
    server.once("error", onError);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off("error", onError);
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address);
      else reject(new Error(`listen on port ${port}: expected a TCP address, got ${String(address)}`));
    });
  });
}
