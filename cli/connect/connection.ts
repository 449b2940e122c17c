/**
 * The API server as the person at the keyboard reaches it. client-node finds the credentials; the requests go over
 * node:https, because impersonation needs one header line per group, which fetch joins into one, and because warnings
 * of the API server are for people to see.
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubeCall, KubeConnection } from "../../kube/call.ts";
import { makeRequester, type HttpAnswer } from "../../kube/requester.ts";
import { environmentProxy } from "./environment-proxy.ts";
import { ExecCredentials, type Credential, type ExecWorld } from "./exec-credential.ts";

export interface ConnectionOptions {
  readonly config: KubeConfig;
  readonly as: { readonly user: string | undefined; readonly groups: readonly string[] };
  /** For calls that set none. */
  readonly timeoutMillis: number;
  readonly world: ExecWorld;
  /** A warning of the API server, e.g. of a broken lock; each text comes once. */
  readonly onWarning: (text: string) => void;
}

/** No request is sent yet. */
export function connect(options: ConnectionOptions): KubeConnection {
  const { config, as, world, timeoutMillis } = options;
  config.clusters = config.clusters.map((one) => {
    const proxyUrl = one.proxyUrl || environmentProxy(one.server, world.env);
    return proxyUrl === undefined ? one : { ...one, proxyUrl };
  });
  const exec = execOf(config, world);
  const configNow = configsWith(config, exec);
  const server = (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  const seen = new Set<string>();
  const requester = makeRequester({
    async send(call, signal) {
      const prepared: RequestOptions = {};
      await (await configNow()).applyToHTTPSOptions(prepared);
      const headers = { ...plain(prepared.headers), ...impersonation(as), ...contentHeaders(call) };
      const answer = await exchange(server, call, { ...prepared, signal, headers });
      for (const text of warningsIn(answer.rawHeaders)) {
        if (!seen.has(text)) options.onWarning(text);
        seen.add(text);
      }
      return httpAnswer(answer);
    },
    renew() {
      exec?.expire();
      return exec !== undefined;
    },
    wallMillis: world.wallMillis,
  });
  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    request: async (call) => requester.request({ timeoutMillis, ...call }),
    clockOffsetMillis: () => requester.clockOffsetMillis(),
    close: async () => exec?.close(),
  };
}

/** Our own way to run exec plugins takes the place of client-node's. */
function execOf(config: KubeConfig, world: ExecWorld): ExecCredentials | undefined {
  const exec: unknown = config.getCurrentUser()?.exec;
  if (exec === undefined || exec === null) return undefined;
  const { server = "", caData } = config.getCurrentCluster() ?? {};
  return new ExecCredentials(exec, { server, caData }, world);
}

/**
 * The configuration with what the plugin says now. A new one for each credential: client-node keeps the connections of a
 * user, and with them the client certificate that it has first seen.
 */
function configsWith(config: KubeConfig, exec: ExecCredentials | undefined): () => Promise<KubeConfig> {
  let made: { readonly of: Credential; readonly config: KubeConfig } | undefined;
  return async () => {
    if (exec === undefined) return config;
    const credential = await exec.credential();
    if (made?.of !== credential) made = { of: credential, config: withCredential(config, credential) };
    return made.config;
  };
}

function withCredential(config: KubeConfig, { token, cert, key }: Credential): KubeConfig {
  const { clusters, contexts, currentContext } = config;
  const name = config.getCurrentUser()?.name;
  const users = config.users.map((one) => {
    if (one.name !== name) return one;
    const shown =
      cert === undefined || key === undefined ? {} : { certData: base64(cert), keyData: base64(key) };
    return { ...one, ...shown, ...(token === undefined ? {} : { token }), exec: null };
  });
  const made = new KubeConfig();
  made.loadFromOptions({ clusters, contexts, currentContext, users });
  return made;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

async function exchange(server: string, call: KubeCall, options: RequestOptions): Promise<IncomingMessage> {
  const url = new URL(server + call.path);
  for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const make = url.protocol === "http:" ? httpRequest : httpsRequest;
  const sent = make(url, { ...options, method: call.method }, resolve);
  sent.once("error", reject);
  sent.end(call.body === undefined ? undefined : JSON.stringify(call.body));
  return promise;
}

function httpAnswer(message: IncomingMessage): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  const body: AsyncIterable<Uint8Array> = message;
  return { status: message.statusCode ?? 0, headers, body };
}

function contentHeaders({ body, contentType }: KubeCall): Record<string, string> {
  return {
    Accept: "application/json",
    "User-Agent": "kubectl-nodelatch",
    ...(body === undefined ? {} : { "Content-Type": contentType ?? "application/json" }),
  };
}

function impersonation({ user, groups }: ConnectionOptions["as"]): Record<string, string | string[]> {
  return {
    ...(user === undefined ? {} : { "Impersonate-User": user }),
    ...(groups.length === 0 ? {} : { "Impersonate-Group": [...groups] }),
  };
}

function plain(headers: RequestOptions["headers"]): Record<string, string> {
  const found: Record<string, string> = {};
  if (headers === undefined || Array.isArray(headers)) return found;
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") found[name] = value;
  return found;
}

/** `299 - "text"`, with quotes and backslashes inside escaped (RFC 7234 5.5); one line each, as node keeps them apart. */
function warningsIn(rawHeaders: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== "warning") continue;
    const text = /"((?:[^"\\]|\\.)*)"/.exec(rawHeaders[at + 1] ?? "")?.[1];
    if (text !== undefined) texts.push(text.replace(/\\(.)/g, "$1"));
  }
  return texts;
}
