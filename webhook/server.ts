/** The HTTPS server that the API server calls: TLS, routing, keep-alive, certificates that change, an orderly end. */
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { Drainable } from "./drain.ts";
import { createInFlight } from "./in-flight.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { listen } from "../program/listen.ts";
import type { WebhookMetrics } from "./metrics.ts";
import { createParsePool, type ParsePool } from "./parse-pool.ts";
import { createReviewRoute, type ReviewRoute, type Webhook } from "./review-route.ts";
import { checkPair, type ServingPair } from "./serving-pair.ts";
import { turnAway } from "./turn-away.ts";

export interface WebhookServerOptions {
  /** By path, e.g. `/guard`. */
  readonly webhooks: Readonly<Record<string, Webhook>>;
  /** Served from the start; `createWebhookServer` throws if it does not fit together. */
  readonly pair: ServingPair;
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
  readonly limits?: Partial<Limits>;
  /** Annotations of Nodes that the webhooks look at besides Nodelatch's own; for the default pool. */
  readonly watched?: ReadonlySet<string>;
  /** Defaults to one with its own defaults. The server closes it. */
  readonly pool?: ParsePool;
  /** Milliseconds of a clock that never jumps. Defaults to `performance.now`. */
  readonly monotonicMillis?: () => number;
}

export type SwapResult = { readonly ok: true } | { readonly ok: false; readonly problem: string };

export interface WebhookServer extends Drainable {
  /** Rejects if the address is taken. Port 0 = any free one. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /** New handshakes get the pair at once, connections stay. A pair that does not fit is refused and the old one kept. */
  swapCertificate(pair: ServingPair): SwapResult;
  /** Ends at once, cutting what is in flight; for an orderly end see drain.ts. */
  close(): Promise<void>;
}

/**
 * The API server keeps idle connections for 90 s (Go's http.Transport as client-go sets it). Whoever closes first
 * races a request that is on its way, which then fails with EOF and is not repeated: with Node's 5 s, 12 to 39 % of
 * calls timed at that moment failed, with 120 s none (facts/webhooks.md 0.4). So the server must be the patient one.
 */
const KEEP_ALIVE_MILLIS = 120_000;

const HANDSHAKE_MILLIS = 10_000;

type Phase = "serving" | "leaving" | "gone";

/** @throws Error if the first pair can't be served. */
export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { log, metrics } = options;
  const inFlight = createInFlight(limits.maxInFlight, limits.maxBodyBytesInFlight);
  const pool =
    options.pool ?? createParsePool(options.watched === undefined ? {} : { watched: options.watched });
  const monotonicMillis = options.monotonicMillis ?? (() => performance.now());
  let phase: Phase = "serving";
  const isLeaving = (): boolean => phase !== "serving";
  const context = { log, metrics, pool, inFlight, limits, monotonicMillis, isLeaving };
  const routes = new Map<string, { webhook: string; route: ReviewRoute }>();
  for (const [path, webhook] of Object.entries(options.webhooks)) {
    routes.set(path, { webhook: webhook.webhook, route: createReviewRoute(webhook, context) });
  }
  const app = createApp([...routes.keys()]);

  // Reviews do not pass through express: behind its app.post() the same review cost 21 to 29 us more CPU and a tenth of
  // the throughput (3,610 to 3,860 reviews a second instead of 4,010 to 4,300; 20 kB reviews, 16 connections, one core,
  // Node 24.21.0, express 5.3.0, three interleaved runs on 2026-11-21).
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const [path, query] = split(request.url ?? "/");
    const found = request.method === "POST" ? routes.get(path) : undefined;
    if (found !== undefined && phase !== "gone") {
      found.route(request, response, query);
      return;
    }
    if (isLeaving()) response.shouldKeepAlive = false;
    if (found === undefined) app(request, response);
    else {
      metrics.turnedAway(found.webhook, "draining");
      turnAway(response);
    }
  };

  const checked = checkPair(options.pair);
  if (!checked.ok) throw new Error(checked.problem, { cause: checked.cause });
  const server = createServer(
    {
      ...checked.context,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      headersTimeout: limits.headersTimeoutMillis,
      // Headers and body; a body has its own, shorter deadline (review-route.ts).
      requestTimeout: limits.headersTimeoutMillis + limits.requestDeadlineMillis,
      // How often the two above are looked at; Node's 30 s would double them.
      connectionsCheckingInterval: Math.min(2_000, limits.headersTimeoutMillis / 2),
      handshakeTimeout: HANDSHAKE_MILLIS,
    },
    onRequest,
  );
  server.maxConnections = limits.maxConnections;
  server.on("tlsClientError", (err) => log.debug({ err }, "TLS handshake"));
  metrics.certificateExpires(checked.expiresAtMillis);

  return {
    listen: (port, host) => listen(server, port, host),
    swapCertificate(pair) {
      const next = checkPair(pair);
      if (!next.ok) return { ok: false, problem: next.problem };
      server.setSecureContext(next.context);
      metrics.certificateExpires(next.expiresAtMillis);
      return { ok: true };
    },
    sendAway() {
      if (phase === "serving") phase = "leaving";
    },
    stopAccepting() {
      phase = "gone";
      // Closes idle connections too, since Node 19.
      server.close();
    },
    whenIdle: (signal) => inFlight.whenEmpty(signal),
    async cut() {
      const left = inFlight.count();
      server.closeAllConnections();
      await pool.close();
      return left;
    },
    async close() {
      phase = "gone";
      server.close();
      server.closeAllConnections();
      await pool.close();
    },
  };
}

function split(url: string): readonly [path: string, query: string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}
