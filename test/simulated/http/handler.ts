/** The HTTP edge: reads a request, has it answered, writes status, warnings and body, logs and counts it. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Counter } from "prom-client";
import type { Registry } from "prom-client";
import { authenticate, impersonate } from "../access/identity.ts";
import type { UserInfo } from "../access/user.ts";
import type { Notes } from "../admission/attributes.ts";
import type { JsonObject } from "../objects/json.ts";
import { internalError, StatusError } from "../objects/status.ts";
import type { Api, ApiRequest } from "../rest/api.ts";
import { watch } from "../rest/watch.ts";
import { representationOf } from "./accept.ts";
import type { Representation } from "./accept.ts";
import { contentTypeOf, readBody } from "./read-body.ts";
import { requestInfo } from "./request-info.ts";
import type { RequestInfo } from "./request-info.ts";
import { answerPath, answerResource, apiRequest, checkContentType, resourceOf } from "./route.ts";
import { warningHeaders } from "./warning-header.ts";

/** One line of the audit log. */
export interface RequestLog {
  readonly method: string;
  readonly uri: string;
  /** "" if the request was not authenticated. */
  readonly username: string;
  readonly code: number;
  readonly millis: number;
  /** What webhooks noted, as `<webhook>/<key>`. */
  readonly audit: Readonly<Record<string, string>>;
  /** Set if the server itself failed. */
  readonly error?: unknown;
}

export interface HandlerOptions {
  readonly api: Api;
  readonly tokens: ReadonlyMap<string, UserInfo>;
  readonly registry: Registry;
  readonly log: (entry: RequestLog) => void;
  readonly monotonicMillis: () => number;
  /** Aborted when the server stops; open watches end then. */
  readonly stopped: AbortSignal;
}

const HEALTH_PATHS = ["/healthz", "/livez", "/readyz"];
const MAX_WATCH_SECONDS = 3_600;

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function handler(options: HandlerOptions): Handler {
  const { api, registry } = options;
  const requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests answered.",
    labelNames: ["verb", "group", "version", "resource", "subresource", "code"],
    registers: [registry],
  });

  return async function handle(request, response) {
    const started = options.monotonicMillis();
    const url = new URL(request.url ?? "/", "https://localhost");
    const notes: Notes = { warnings: [], audit: {} };
    const seen: { username: string; info: RequestInfo | undefined } = { username: "", info: undefined };
    let error: unknown;
    try {
      await serve(request, response, url, notes, seen);
    } catch (thrown) {
      const failure = thrown instanceof StatusError ? thrown : internalError(String(thrown), thrown);
      if (failure.code >= 500) error = thrown;
      // A body that was not read to its end leaves the connection unusable.
      if (!request.complete) response.setHeader("connection", "close");
      for (const [key, value] of Object.entries(failure.headers)) response.setHeader(key, value);
      send(response, failure.code, failure.status, notes.warnings);
    }
    const { verb = "", group = "", version = "", resource = "", subresource = "" } = seen.info ?? {};
    const code = response.statusCode;
    requests.inc({ verb: verb.toUpperCase(), group, version, resource, subresource, code: String(code) });
    options.log({
      method: request.method ?? "",
      uri: request.url ?? "",
      username: seen.username,
      code,
      millis: options.monotonicMillis() - started,
      audit: notes.audit,
      ...(error === undefined ? {} : { error }),
    });
  };

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    notes: Notes,
    seen: { username: string; info: RequestInfo | undefined },
  ): Promise<void> {
    if (HEALTH_PATHS.some((path) => url.pathname === path)) return sendText(response, "ok", "text/plain");
    const info = requestInfo(request.method ?? "", url.pathname, url.searchParams);
    seen.info = info;
    const real = authenticate(request, options.tokens);
    seen.username = real.username;
    const user = impersonate(request, real, api.authorizer);
    seen.username = user.username;
    api.authorizer.demand(user, info);
    if (url.pathname === "/metrics")
      return sendText(response, await registry.metrics(), registry.contentType);
    const as = representationOf(request.headers.accept);
    if (!info.isResource) return send(response, 200, answerPath(info, as), [], as);
    const resource = resourceOf(info);
    const contentType = contentTypeOf(request);
    checkContentType(resource, info.verb, contentType);
    const body = await readBody(request);
    const parts = { info, query: url.searchParams, user, body, contentType, notes };
    const asked = apiRequest(resource, parts);
    if (info.verb === "watch") {
      response.setHeader("content-type", "application/json");
      return stream(asked, as, response);
    }
    const answer = await answerResource(api, asked, as);
    return send(response, answer.code, answer.body, notes.warnings);
  }

  /** Resolves when the watch is over: the client left, its time is up, or the server stops. */
  async function stream(request: ApiRequest, as: Representation, response: ServerResponse): Promise<void> {
    const seconds = Number(request.query.get("timeoutSeconds") ?? MAX_WATCH_SECONDS);
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    const started = watch(api, request, as, (event) => {
      response.write(`${JSON.stringify(event)}\n`);
      if (event.type === "ERROR") end();
    });
    const timer = setTimeout(end, Math.min(seconds, MAX_WATCH_SECONDS) * 1000).unref();
    response.once("close", end);
    options.stopped.addEventListener("abort", end);
    response.flushHeaders();
    await promise;
    clearTimeout(timer);
    options.stopped.removeEventListener("abort", end);
    started.stop();
    response.end();
  }
}

function send(
  response: ServerResponse,
  code: number,
  body: JsonObject,
  warnings: readonly string[],
  as: Representation = "json",
): void {
  const discovered = as === "aggregated-discovery" && body["kind"] === "APIGroupDiscoveryList";
  const type = discovered ? ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" : "";
  const headers = warningHeaders(warnings);
  if (headers.length > 0) response.setHeader("warning", headers);
  response.statusCode = code;
  response.setHeader("audit-id", randomUUID());
  response.setHeader("cache-control", "no-cache, private");
  response.setHeader("content-type", `application/json${type}`);
  response.end(JSON.stringify(body));
}

function sendText(response: ServerResponse, text: string, type: string): void {
  response.setHeader("content-type", type);
  response.end(text);
}
