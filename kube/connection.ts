/** One API server: every request goes through here, with a deadline, and comes back as parsed JSON or a KubeError. */
import { IsomorphicFetchHttpLibrary, type HttpMethod, type ResponseContext } from "@kubernetes/client-node";
import { failureOf, failureOfStatus, KubeError } from "./failure.ts";
import { PooledRequest, type PoolingKubeConfig } from "./pool.ts";
import type { TokenFile } from "./token-file.ts";

/** What an API server may send us at most; the largest thing we read is one Node or one Secret (1 MiB). */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** Defaults to 10_000: long enough for a busy control plane, short enough for a caller that polls. */
const DEFAULT_TIMEOUT_MILLIS = 10_000;

export interface KubeCall {
  /** For error messages: a verb phrase, e.g. `read Secret nodelatch-system/tls`. */
  readonly doing: string;
  readonly method: HttpMethod;
  /** Absolute path, names in it already encoded by `apiPath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Defaults to application/json; a patch says which of the three it is. */
  readonly contentType?:
    | "application/json"
    | "application/json-patch+json"
    | "application/merge-patch+json"
    | "application/strategic-merge-patch+json";
  readonly timeoutMillis?: number;
  /** True if sending it twice does no harm; then one lost connection is forgiven. GET always is. */
  readonly repeatable?: boolean;
  readonly signal: AbortSignal;
}

export interface KubeConnection {
  /** Base URL, for messages. */
  readonly server: string;
  /** The namespace of the kubeconfig context or of our own pod, if known. */
  readonly namespace: string | undefined;
  /**
   * The JSON of a 2xx answer.
   * @throws KubeError for everything else.
   */
  request(call: KubeCall): Promise<unknown>;
  /** API server's clock minus ours, from the Date header of the latest answer; 0 before the first. */
  clockOffsetMillis(): number;
  close(): Promise<void>;
}

export interface ConnectionParts {
  readonly config: PoolingKubeConfig;
  /** Set if the credentials are a ServiceAccount token. */
  readonly tokenFile?: TokenFile;
  readonly wallMillis: () => number;
}

/** Joins a path from its segments, each encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

export function makeConnection(parts: ConnectionParts): KubeConnection {
  const { config, tokenFile, wallMillis } = parts;
  const server = config.getCurrentCluster()?.server ?? "";
  const context = config.getContextObject(config.getCurrentContext());
  const http = new IsomorphicFetchHttpLibrary();
  let offsetMillis = 0;

  async function attempt(call: KubeCall, signal: AbortSignal): Promise<unknown> {
    const request = new PooledRequest(server.replace(/\/+$/, "") + call.path, call.method, config);
    for (const [name, value] of Object.entries(call.query ?? {})) request.setQueryParam(name, value);
    request.setHeaderParam("Accept", "application/json");
    request.setHeaderParam("User-Agent", "nodelatch");
    if (call.body !== undefined) {
      request.setHeaderParam("Content-Type", call.contentType ?? "application/json");
      request.setBody(JSON.stringify(call.body));
    }
    await config.applySecurityAuthentication(request);
    request.setSignal(signal);
    const response = await http.send(request).toPromise();
    const text = await readText(response, call.doing);
    const json = parse(text);
    const failure = failureOfStatus(response.httpStatusCode, json, response.headers);
    const serverMillis = Date.parse(response.headers["date"] ?? "");
    // The header has whole seconds: the middle of that second is the best guess.
    if (Number.isFinite(serverMillis)) offsetMillis = serverMillis + 500 - wallMillis();
    if (failure !== undefined) throw new KubeError(call.doing, failure);
    if (json === undefined) {
      throw new KubeError(call.doing, {
        kind: "garbage",
        httpStatus: response.httpStatusCode,
        sentence: `HTTP ${response.httpStatusCode} with a body that is no JSON`,
      });
    }
    return json;
  }

  /** True if the same call may be sent once more and could now end better. */
  function worthAnother(call: KubeCall, thrown: unknown): boolean {
    const { kind } = failureOf(thrown);
    if (kind === "unauthenticated" && tokenFile !== undefined) {
      tokenFile.expire();
      return true;
    }
    // A kept connection that the other side just closed looks like this.
    return kind === "network" && (call.method === "GET" || call.repeatable === true);
  }

  return {
    server,
    namespace: context?.namespace,
    async request(call) {
      const deadline = AbortSignal.timeout(call.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS);
      const signal = AbortSignal.any([call.signal, deadline]);
      try {
        return await untilAborted(
          attempt(call, signal).catch((thrown: unknown) => {
            if (signal.aborted || !worthAnother(call, thrown)) throw thrown;
            return attempt(call, signal);
          }),
          signal,
        );
      } catch (thrown) {
        if (call.signal.aborted) throw new KubeError(call.doing, failureOf(aborted()), thrown);
        if (deadline.aborted) throw new KubeError(call.doing, failureOf(deadline.reason), thrown);
        throw thrown instanceof KubeError ? thrown : new KubeError(call.doing, failureOf(thrown), thrown);
      }
    },
    clockOffsetMillis: () => offsetMillis,
    close: () => config.close(),
  };
}

/** Also bounds what takes no signal: reading credentials, an exec plugin that hangs. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, end]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function readText(response: ResponseContext, doing: string): Promise<string> {
  const stream = response.body.stream();
  if (stream === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new KubeError(doing, {
        kind: "garbage",
        httpStatus: response.httpStatusCode,
        sentence: `an answer of more than ${MAX_ANSWER_BYTES} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** undefined if it is not JSON; no JSON text parses to undefined. */
function parse(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch {
    return undefined;
  }
}

function aborted(): DOMException {
  return new DOMException("aborted", "AbortError");
}
