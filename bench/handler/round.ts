/** One side of the comparison, and one round of load on it. */
import { closedLoop, type Client } from "../load/closed-loop.ts";
import { openConnection } from "../load/connection.ts";
import type { MeasuredServer } from "../process/measured-server.ts";
import { cpuMillis } from "../process/usage.ts";
import { deniedUncordonReview, reviewRequests } from "../review/denied-uncordon.ts";

export interface Round {
  readonly side: string;
  readonly concurrency: number;
  readonly perSecond: number;
  /** CPU time of the whole server process for one request. */
  readonly cpuMicros: number;
  readonly latenciesMillis: readonly number[];
}

export interface Side {
  readonly server: MeasuredServer;
  readonly clients: readonly Client[];
  readonly reviewBytes: number;
  close(): void;
}

export interface SideOptions {
  readonly host: string;
  readonly ca: string;
  readonly connections: number;
  readonly reviewBytes: number;
}

/** Far above what a round can reach; its time is what ends it. */
const MOST_REQUESTS = 1_000_000;

export async function openSide(server: MeasuredServer, options: SideOptions): Promise<Side> {
  const { host, ca } = options;
  const review = deniedUncordonReview(options.reviewBytes);
  const clients: Client[] = [];
  const close = (): void => clients.forEach(({ connection }) => connection.close());
  try {
    for (let index = 0; index < options.connections; index += 1) {
      // One suite for both: what is compared is the handling, not the cipher.
      const to = { host, port: server.port, ca, ciphers: "TLS_AES_128_GCM_SHA256" };
      const connection = await openConnection(to);
      clients.push({ connection, requests: reviewRequests(review, "/guard?timeout=3s") });
    }
  } catch (error) {
    close();
    throw error;
  }
  return { server, clients, reviewBytes: Buffer.byteLength(review), close };
}

export async function measureRound(
  { server, clients }: Side,
  concurrency: number,
  mostMillis: number,
  signal: AbortSignal,
): Promise<Round> {
  const before = await cpuMillis(server.pid);
  const limits = { mostRequests: MOST_REQUESTS, mostMillis, signal };
  const { latenciesMillis, elapsedMillis } = await closedLoop(clients.slice(0, concurrency), limits);
  const used = (await cpuMillis(server.pid)) - before;
  return {
    side: server.name,
    concurrency,
    perSecond: latenciesMillis.length / (elapsedMillis / 1_000),
    cpuMicros: (used * 1_000) / latenciesMillis.length,
    latenciesMillis,
  };
}
