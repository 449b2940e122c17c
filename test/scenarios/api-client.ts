/** A bare HTTPS client for a Kubernetes API: the scenarios must control every byte of a request. */
import { Agent, request } from "node:https";

export interface ApiCredentials {
  readonly url: string;
  readonly caPem: string;
  /** An identity that may impersonate (group system:masters). */
  readonly token?: string;
  readonly clientCertPem?: string;
  readonly clientKeyPem?: string;
}

/** Who the request should count as; impersonated by the admin, as `kubectl --as` does. */
export interface Identity {
  readonly user: string;
  readonly groups: readonly string[];
  /** Value of the extra `authentication.kubernetes.io/node-name`. */
  readonly node?: string;
}

export interface ApiRequest {
  readonly as?: Identity;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface ApiClient {
  readonly send: (request: ApiRequest) => Promise<ApiAnswer>;
  readonly close: () => void;
}

export function createApiClient(credentials: ApiCredentials, timeoutMillis = 30_000): ApiClient {
  const agent = new Agent({
    keepAlive: true,
    ca: credentials.caPem,
    ...(credentials.clientCertPem === undefined ? {} : { cert: credentials.clientCertPem }),
    ...(credentials.clientKeyPem === undefined ? {} : { key: credentials.clientKeyPem }),
  });
  return {
    close: () => agent.destroy(),
    send: (wanted) =>
      new Promise((resolve, reject) => {
        const body = wanted.body === undefined ? undefined : JSON.stringify(wanted.body);
        const sent = request(
          new URL(wanted.path, credentials.url),
          {
            agent,
            method: wanted.method,
            signal: AbortSignal.timeout(timeoutMillis),
            headers: {
              accept: "application/json",
              ...(credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` }),
              ...(body === undefined
                ? {}
                : {
                    "content-type": wanted.contentType ?? "application/json",
                    "content-length": Buffer.byteLength(body),
                  }),
              ...impersonation(wanted.as),
            },
          },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on("data", (chunk: Buffer) => chunks.push(chunk));
            answer.on("error", reject);
            answer.on("end", () => {
              resolve({
                status: answer.statusCode ?? 0,
                body: parsed(Buffer.concat(chunks).toString("utf8")),
                warnings: warningTexts(answer.rawHeaders),
              });
            });
          },
        );
        sent.on("error", (cause) => reject(new Error(`${wanted.method} ${wanted.path}`, { cause })));
        sent.end(body);
      }),
  };
}

function impersonation(as: Identity | undefined): Record<string, string | string[]> {
  if (as === undefined) return {};
  return {
    "impersonate-user": as.user,
    "impersonate-group": [...as.groups],
    // The key is percent-encoded, as `/` may not stand in a header name.
    ...(as.node === undefined
      ? {}
      : { "impersonate-extra-authentication.kubernetes.io%2fnode-name": as.node }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function warningTexts(rawHeaders: readonly string[]): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== "warning") continue;
    // 299 - "text", with quotes inside escaped (RFC 7234 5.5)
    const quoted = /"((?:[^"\\]|\\.)*)"/.exec(rawHeaders[at + 1] ?? "");
    if (quoted?.[1] !== undefined) texts.push(quoted[1].replace(/\\(.)/g, "$1"));
  }
  return texts;
}
