/**
 * One API server over node:https. For the agent, which stays on every node and asks for one Node and a few Events:
 * client-node, once loaded, takes 35 MiB more of resident memory than Node alone, node:https 5.5, most of which the
 * agent has anyway for gRPC (bench/README.md, agent-at-rest).
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { KubeCall, KubeConnection } from "../call.ts";
import { makeRequester, type HttpAnswer } from "../requester.ts";

/** What goes with one request. */
export interface Credentials {
  /** PEM. Without it Node's own list of public CAs counts. */
  readonly ca: string | undefined;
  /** A client certificate and its key, PEM. */
  readonly pair: { readonly certificate: string; readonly key: string } | undefined;
  readonly token: string | undefined;
}

export interface Access {
  /** Base URL, https. */
  readonly server: string;
  readonly namespace: string | undefined;
  /** Name that the server's certificate must have, instead of the host in the URL. */
  readonly serverName?: string | undefined;
  /** Asked before each request: files are rotated. */
  readonly credentials: () => Promise<Credentials>;
  /** Called after a 401: true if the credentials are read anew with the next call. */
  readonly renew: () => boolean;
  readonly wallMillis: () => number;
  /** A connection that nobody needs is closed after that. Defaults to 5_000. */
  readonly idleMillis?: number;
}

/** Longer than a batch of Events takes; nothing is held until the next one. */
const IDLE_MILLIS = 5_000;
/** The agent asks one thing at a time. */
const MOST_SOCKETS = 10;

export function makeLeanConnection(access: Access): KubeConnection {
  const { server, namespace, wallMillis, renew } = access;
  // It keeps sockets apart by certificates, so that a changed CA gets a new one that is verified against it.
  const agent = new Agent({
    keepAlive: true,
    maxSockets: MOST_SOCKETS,
    timeout: access.idleMillis ?? IDLE_MILLIS,
  });
  const requester = makeRequester({
    send: async (call, signal) => send(call, access, agent, signal),
    renew,
    wallMillis,
  });
  return { ...requester, server, namespace, close: async () => agent.destroy() };
}

async function send(call: KubeCall, access: Access, agent: Agent, signal: AbortSignal): Promise<HttpAnswer> {
  const { ca, pair, token } = await access.credentials();
  const query = new URLSearchParams(call.query).toString();
  const url = new URL(access.server.replace(/\/+$/, "") + call.path + (query === "" ? "" : `?${query}`));
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const asking = request(url, {
    method: call.method,
    agent,
    signal,
    headers: {
      Accept: "application/json",
      "User-Agent": "nodelatch",
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && {
        "Content-Type": call.contentType ?? "application/json",
        "Content-Length": Buffer.byteLength(body),
      }),
    },
    // Said here, so that no variable in the environment can switch it off.
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
    ...(pair !== undefined && { cert: pair.certificate, key: pair.key }),
    ...(access.serverName !== undefined && { servername: access.serverName }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asking.once("response", resolve);
  // Stays: a connection may fail more than once, and an error nobody hears ends the process.
  asking.on("error", reject);
  asking.end(body);
  const response = await promise;
  return { status: response.statusCode ?? 0, headers: headersOf(response), body: response };
}

/** Those that come once; of the others none is asked for. */
function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") texts[name] = value;
  return texts;
}
