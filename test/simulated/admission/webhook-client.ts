/**
 * Calls webhooks over HTTPS as kube-apiserver does: HTTP/1.1, connections kept for 90 s, the caBundle as the only
 * trust, one deadline for everything, and a 429 or 5xx with Retry-After sent again within it (client-go's
 * rest/with_retry.go). A POST that failed on the wire is not sent again: Go does not either.
 */
import { Agent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { objectAt, own, parseJson, textAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { transportError } from "./transport-error.ts";

/** Where a Service's port can be reached; undefined if there is no such Service. */
export type ServiceResolver = (
  namespace: string,
  name: string,
  port: number,
) => { readonly host: string; readonly port: number } | undefined;

export type Reply =
  | { readonly kind: "answered"; readonly body: Json }
  /** `why` in the real server's words; `code` is what its metric counts. */
  | { readonly kind: "failed"; readonly why: string; readonly code: number; readonly cause?: unknown };

export interface WebhookClient {
  /** Posts a review; `webhook` is one entry of a webhook configuration. Never throws. */
  call(webhook: JsonObject, review: JsonObject): Promise<Reply>;
  close(): void;
}

const IDLE_MILLIS = 90_000;
const MAX_IDLE_PER_HOST = 25;
const MAX_RETRIES = 10;
/** The real server keeps as many clients before it forgets the oldest. */
const MAX_CLIENTS = 200;

interface Target {
  readonly url: URL;
  /** As messages name it: a Service with its port, which URL itself drops if it is 443. */
  readonly shown: string;
  /** Where the TCP connection goes, if not to the URL's own host. */
  readonly connect: { readonly host: string; readonly port: number } | undefined;
}

interface Received {
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: string;
}

export function webhookClient(resolveService: ServiceResolver): WebhookClient {
  const agents = new Map<string, Agent>();

  function agentFor(client: JsonObject, caBundle: string): Agent {
    const key = JSON.stringify(client);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const trust = caBundle === "" ? {} : { ca: caBundle };
    const agent = new Agent({
      keepAlive: true,
      maxFreeSockets: MAX_IDLE_PER_HOST,
      timeout: IDLE_MILLIS,
      ...trust,
    });
    agents.set(key, agent);
    for (const [oldest, forgotten] of [...agents].slice(0, Math.max(0, agents.size - MAX_CLIENTS))) {
      agents.delete(oldest);
      forgotten.destroy();
    }
    return agent;
  }

  async function call(webhook: JsonObject, review: JsonObject): Promise<Reply> {
    const client = objectAt(webhook, "clientConfig");
    const timeoutSeconds = Number(own(webhook, "timeoutSeconds") ?? 10);
    const target = targetOf(client, timeoutSeconds, resolveService);
    if (typeof target === "string") return failed(target);
    const caBundle = Buffer.from(textAt(client, "caBundle"), "base64").toString();
    if (caBundle !== "" && !caBundle.includes("-----BEGIN CERTIFICATE-----")) {
      const why = "unable to load root certificates: unable to parse bytes as PEM block";
      return { kind: "failed", why: `could not get REST client: ${why}`, code: 500 };
    }
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      const body = JSON.stringify(review);
      for (let retries = 0; ; retries += 1) {
        const received = await post(target, agentFor(client, caBundle), body, signal);
        const wait = received.retryAfterSeconds;
        if (wait === undefined || retries === MAX_RETRIES) return replyOf(received);
        await sleep(wait * 1000, undefined, { signal, ref: false });
      }
    } catch (error) {
      const why = signal.aborted ? "context deadline exceeded" : transportError(error, target.connect?.host);
      return failed(`Post "${target.shown}": ${why}`, error);
    }
  }

  return {
    call,
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** The address to post to, or why there is none. */
function targetOf(
  client: JsonObject,
  timeoutSeconds: number,
  resolveService: ServiceResolver,
): Target | string {
  const query = `?timeout=${timeoutSeconds}s`;
  const service = own(client, "service");
  if (service === undefined) {
    const url = new URL(textAt(client, "url") + query);
    return { url, shown: url.href, connect: undefined };
  }
  const [namespace, name] = [textAt(objectAt(service), "namespace"), textAt(objectAt(service), "name")];
  const port = Number(own(objectAt(service), "port") ?? 443);
  const path = textAt(objectAt(service), "path") || "/";
  const shown = `https://${name}.${namespace}.svc:${port}${path}${query}`;
  const address = resolveService(namespace, name, port);
  if (address === undefined) return `Post "${shown}": service ${JSON.stringify(name)} not found`;
  return { url: new URL(shown), shown, connect: address };
}

function post(target: Target, agent: Agent, body: string, signal: AbortSignal): Promise<Received> {
  const { url, connect } = target;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        agent,
        method: "POST",
        host: connect?.host ?? url.hostname.replaceAll(/^\[|\]$/g, ""),
        port: connect?.port ?? (url.port === "" ? 443 : Number(url.port)),
        path: url.pathname + url.search,
        ...(connect === undefined ? {} : { servername: url.hostname }),
        signal,
        headers: {
          host: url.host,
          "content-type": "application/json",
          accept: "application/json, */*",
          "user-agent": "kube-apiserver-admission",
          "content-length": Buffer.byteLength(body),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const code = response.statusCode ?? 0;
          const retryAfter = response.headers["retry-after"] ?? "";
          const retryable = (code === 429 || code >= 500) && /^\d+$/.test(retryAfter);
          resolve({
            code,
            retryAfterSeconds: retryable ? Number(retryAfter) : undefined,
            body: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function replyOf({ code, body }: Received): Reply {
  let parsed: Json | undefined;
  try {
    parsed = parseJson(body);
  } catch (error) {
    if (code < 300) return failed(`couldn't get version/kind; json parse error: ${String(error)}`, error);
  }
  if (code >= 200 && code < 300) return { kind: "answered", body: parsed ?? null };
  const said = textAt(objectAt(parsed), "kind") === "Status" ? textAt(objectAt(parsed), "message") : "";
  return { kind: "failed", why: `failed to call webhook: ${said || wordsFor(code, body.trim())}`, code };
}

/** client-go's texts for answers without a Status. */
function wordsFor(code: number, body: string): string {
  if (code === 404) return "the server could not find the requested resource";
  if (code === 503) return "the server is currently unable to handle the request";
  if (code >= 500) {
    return `an error on the server (${JSON.stringify(body || "unknown")}) has prevented the request from succeeding`;
  }
  return `the server responded with the status code ${code} but did not return more information`;
}

function failed(why: string, cause?: unknown): Reply {
  // 503 stands for "no answer at all" in the real server's metric.
  return { kind: "failed", why: `failed to call webhook: ${why}`, code: 503, cause };
}
