/** A running webhook server with one webhook at /guard, for tests; ended with the test. */
import { Writable } from "node:stream";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { createMetrics, type WebhookMetrics } from "../metrics.ts";
import { createParsePool } from "../parse-pool.ts";
import type { NodeReviewHandler, Verdict } from "../review.ts";
import { createWebhookServer, type WebhookServer, type WebhookServerOptions } from "../server.ts";
import { makePair } from "./pair.ts";

export interface Started {
  readonly server: WebhookServer;
  readonly port: number;
  readonly metrics: WebhookMetrics;
  /** Lines of the log so far, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  /** Value of a sample of /metrics by its exact name and labels; undefined if it is not there. */
  readonly sample: (name: string) => Promise<number | undefined>;
}

export const ALLOW: Verdict = { kind: "allow", decision: "by-holder", warnings: [], audit: {}, patch: [] };

const PAIR = makePair();

/** Starts on a free port. `handle` answers /guard; the rest overrides the server's options. */
export async function startWebhook(
  handle: NodeReviewHandler = () => ALLOW,
  options: Partial<WebhookServerOptions> = {},
): Promise<Started> {
  const logged: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const line: unknown = JSON.parse(chunk.toString());
      if (typeof line === "object" && line !== null) logged.push({ ...line });
      done();
    },
  });
  const metrics = createMetrics({ version: "0.0.0-test", webhooks: ["guard.nodelatch.io"] });
  const server = createWebhookServer({
    webhooks: { "/guard": { webhook: "guard.nodelatch.io", handle } },
    pair: PAIR,
    log: pino({ level: "debug" }, sink),
    metrics,
    // In earnest a worker has two seconds, which its start alone may take on a machine with other work.
    pool: createParsePool({ jobTimeoutMillis: 60_000 }),
    ...options,
  });
  const { port } = await server.listen(0, "127.0.0.1");
  onTestFinished(() => server.close());
  return {
    server,
    port,
    metrics,
    logged,
    async sample(name) {
      const text = await metrics.registry.metrics();
      const line = text.split("\n").find((line) => line.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(name.length + 1));
    },
  };
}
