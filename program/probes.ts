/** The second port: plain HTTP for the kubelet's probes and for Prometheus. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
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

/**
 * `/healthz`, `/livez`, `/readyz`, each with `?verbose`, `?exclude=NAME` and `/NAME`, and `/metrics`. Over node:http
 * alone: express would be 10 MB of the resident memory that the agent has on every node.
 */
export function createProbeServer(options: ProbesOptions): ProbeServer {
  const { log, registry } = options;
  const titles = new Map<string, ProbeTitle>([
    ["healthz", { checks: options.live, failing: "" }],
    ["livez", { checks: options.live, failing: "" }],
    ["readyz", { checks: options.ready, failing: "" }],
  ]);

  async function answer(url: URL): Promise<Answer> {
    const [, title = "", name, ...more] = url.pathname.split("/");
    if (more.length > 0) return NOT_FOUND;
    if (title === "metrics" && name === undefined) {
      return { status: 200, contentType: registry.contentType, text: await registry.metrics() };
    }
    const probe = titles.get(title);
    if (probe === undefined) return NOT_FOUND;
    return answerProbe(title, name, probe, url.searchParams, options);
  }

  async function handle({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    // What is no path is a client's nonsense like any other that there is not.
    const asked = `http://probe${url ?? "/"}`;
    const isRead = (method === "GET" || method === "HEAD") && URL.canParse(asked);
    try {
      send(response, isRead ? await answer(new URL(asked)) : NOT_FOUND);
    } catch (err) {
      log.error({ err, url }, "probe request failed");
      send(response, FAILED);
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void handle(request, response);
  });
  server.maxConnections = 100;
  return {
    listen: (port, host) => listen(server, port, host),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface ProbeTitle {
  readonly checks: readonly Check[];
  /** Names of the checks that failed when all were last asked. */
  failing: string;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

const PLAIN = "text/plain; charset=utf-8";
const NOT_FOUND: Answer = { status: 404, contentType: PLAIN, text: "not found\n" };
const FAILED: Answer = { status: 500, contentType: PLAIN, text: "failed; the log says why\n" };

async function answerProbe(
  title: string,
  name: string | undefined,
  probe: ProbeTitle,
  query: URLSearchParams,
  { log, checkTimeoutMillis = 2_000 }: ProbesOptions,
): Promise<Answer> {
  const checks = name === undefined ? probe.checks : probe.checks.filter((check) => check.name === name);
  if (name !== undefined && checks.length === 0) return { ...NOT_FOUND, text: "no such check\n" };
  const excluded = new Set(name === undefined ? query.getAll("exclude") : []);
  const report = await runChecks(title, checks, excluded, checkTimeoutMillis);
  // The kubelet asks every few seconds: only a change is worth a line.
  const now = report.failed.join(",");
  if (name === undefined && excluded.size === 0 && now !== probe.failing) {
    probe.failing = now;
    if (report.ok) log.info({ probe: title }, "probe passes");
    else log.warn({ probe: title, failed: report.failed, report: report.text }, "probe fails");
  }
  const text = report.ok && !query.has("verbose") ? "ok" : report.text;
  return { status: report.ok ? 200 : 500, contentType: PLAIN, text };
}

function send(response: ServerResponse, { status, contentType, text }: Answer): void {
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  // Of a HEAD request node:http leaves the body away by itself.
  response.end(text);
}
