/** The second port: plain HTTP for the kubelet's probes and for Prometheus. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type Request, type Response } from "express";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { runChecks, type Check } from "./check.ts";
import { listen } from "./listen.ts";

export interface ProbesOptions {
  /** Answered at /livez and /healthz: a failure means only a restart helps. */
  readonly live: readonly Check[];
  /** Answered at /readyz: a failure means no calls, please. */
  readonly ready: readonly Check[];
  /** Shown at /metrics. */
  readonly registry: Registry;
  readonly log: Logger;
  /** For each check. Defaults to 2_000; the chart's probes wait longer. */
  readonly checkTimeoutMillis?: number;
}

export interface ProbeServer {
  /** Rejects if the address is taken. Port 0 = any free one. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  close(): void;
}

/** `/healthz`, `/livez`, `/readyz`, each with `?verbose`, `?exclude=NAME` and `/NAME`, and `/metrics`. */
export function createProbeServer(options: ProbesOptions): ProbeServer {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  serveChecks(app, "healthz", options.live, options);
  serveChecks(app, "livez", options.live, options);
  serveChecks(app, "readyz", options.ready, options);
  app.get("/metrics", async (_request, response) => {
    const text = await options.registry.metrics();
    response.set("Content-Type", options.registry.contentType).send(text);
  });
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, app);
  server.maxConnections = 100;
  return {
    listen: (port, host) => listen(server, port, host),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function serveChecks(app: Express, title: string, checks: readonly Check[], options: ProbesOptions): void {
  const { log, checkTimeoutMillis = 2_000 } = options;
  let failing = "";
  app.get(`/${title}`, async (request, response) => {
    const query = queryOf(request);
    const excluded = new Set(query.getAll("exclude"));
    const report = await runChecks(title, checks, excluded, checkTimeoutMillis);
    // The kubelet asks every few seconds: only a change is worth a line.
    const now = report.failed.join(",");
    if (excluded.size === 0 && now !== failing) {
      failing = now;
      if (report.ok) log.info({ probe: title }, "probe passes");
      else log.warn({ probe: title, failed: report.failed, report: report.text }, "probe fails");
    }
    sendText(response, report.ok, report.ok && !query.has("verbose") ? "ok" : report.text);
  });
  app.get(`/${title}/:name`, async (request, response) => {
    const one = checks.filter((check) => check.name === request.params.name);
    if (one.length === 0) {
      response.status(404).type("text/plain").send("no such check\n");
      return;
    }
    const report = await runChecks(title, one, new Set(), checkTimeoutMillis);
    sendText(response, report.ok, report.ok && !queryOf(request).has("verbose") ? "ok" : report.text);
  });
}

function queryOf(request: Request): URLSearchParams {
  return new URL(request.url, "http://probe").searchParams;
}

function sendText(response: Response, ok: boolean, text: string): void {
  response.status(ok ? 200 : 500).type("text/plain");
  response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" }).send(text);
}
