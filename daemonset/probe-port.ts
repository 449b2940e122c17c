/** Serves probes and metrics as soon as the port is to be had. */
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { ProbeServer } from "../program/probes.ts";
import { backoffMillis } from "../program/backoff.ts";
import type { Time } from "./host/time.ts";

const RETRY = { firstMillis: 1_000, maxMillis: 60_000 };

export interface ProbePortOptions {
  /** A server that was never listened with. */
  readonly server: Pick<ProbeServer, "listen" | "close">;
  readonly port: number;
  readonly host: string | undefined;
  readonly time: Time;
  readonly log: Logger;
}

/**
 * Resolves when `signal` has aborted and the port is let go. On the host's network the port may be another's; with
 * the agent before this one in a rollout that passes.
 */
export async function keepProbePort(options: ProbePortOptions, signal: AbortSignal): Promise<void> {
  const { server, time, log } = options;
  for (let failures = 0; !signal.aborted;) {
    try {
      const { address, port }: AddressInfo = await server.listen(options.port, options.host);
      log.info({ address, port }, "serving probes and metrics");
      break;
    } catch (err) {
      failures += 1;
      if (failures === 1) log.error({ err }, "probes and metrics are not served; retrying");
      await time.sleep(backoffMillis(failures, RETRY, time.random()), signal);
    }
  }
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  server.close();
}
