/** What can go wrong between us and an API server, as one union with a sentence for people. */
import { isObject, textAt } from "./json.ts";

export type KubeFailureKind =
  | "unauthenticated" // 401: our token or client certificate is not accepted
  | "forbidden" // 403: RBAC (or admission) does not let us
  | "not-found" // 404
  | "exists" // 409 on create
  | "conflict" // 409 on a write: someone else was faster
  | "rejected" // other 4xx: the API server understood and will not do it
  | "busy" // 429: API priority and fairness asks us to wait
  | "unavailable" // 5xx
  | "timeout" // no answer before our own deadline
  | "aborted" // the caller gave up, e.g. at shutdown
  | "tls" // the API server's certificate does not verify
  | "network" // refused, reset, no route, no such host
  | "garbage" // something answered that is not a Kubernetes API
  | "unknown"; // thrown from elsewhere: credentials file, exec plugin, a bug

export interface KubeFailure {
  readonly kind: KubeFailureKind;
  /** What happened in words, without the name of the thing asked for. */
  readonly sentence: string;
  readonly httpStatus?: number;
  /** From the Retry-After header, if there was one. */
  readonly retryAfterMillis?: number;
}

/** Thrown by everything in kube/ when the answer is not one of the normal ones. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly failure: KubeFailure;

  constructor(doing: string, failure: KubeFailure, cause?: unknown) {
    super(`${doing}: ${failure.sentence}`, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

/** The failure behind any thrown value; never throws itself. */
export function failureOf(thrown: unknown): KubeFailure {
  if (thrown instanceof KubeError) return thrown.failure;
  if (thrown instanceof Error && thrown.name === "TimeoutError") {
    return { kind: "timeout", sentence: "no answer before the deadline" };
  }
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return { kind: "aborted", sentence: "given up by the caller" };
  }
  // fetch says only "fetch failed"; what failed is in the causes.
  const chain = causes(thrown);
  for (const link of chain) {
    const code = textAt(link, "code");
    if (code !== undefined) {
      const known = failureOfCode(code, link);
      if (known !== undefined) return known;
    }
  }
  const last = chain.at(-1);
  return { kind: "unknown", sentence: last instanceof Error ? last.message : "an unknown error" };
}

/** The failure that an HTTP answer stands for; undefined for 2xx. `body` is the parsed JSON, if it was JSON. */
export function failureOfStatus(
  httpStatus: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): KubeFailure | undefined {
  if (httpStatus >= 200 && httpStatus <= 299) return undefined;
  const reason = textAt(body, "reason");
  const message = textAt(body, "message");
  if (textAt(body, "kind") !== "Status") {
    // 502 from a load balancer and the like are the network's fault; a 200-ish page is caught where JSON is read.
    const kind = httpStatus >= 500 || httpStatus === 429 ? kindOf(httpStatus, reason) : "garbage";
    return failure(kind, httpStatus, `HTTP ${httpStatus} from something that is no Kubernetes API`, headers);
  }
  return failure(
    kindOf(httpStatus, reason),
    httpStatus,
    message ?? `HTTP ${httpStatus} without a message`,
    headers,
  );
}

function failure(
  kind: KubeFailureKind,
  httpStatus: number,
  sentence: string,
  headers: Readonly<Record<string, string>>,
): KubeFailure {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  const retry = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMillis: seconds * 1000 } : {};
  return { kind, sentence, httpStatus, ...retry };
}

function kindOf(httpStatus: number, reason: string | undefined): KubeFailureKind {
  switch (httpStatus) {
    case 401:
      return "unauthenticated";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 409:
      return reason === "AlreadyExists" ? "exists" : "conflict";
    case 429:
      return "busy";
    default:
      return httpStatus >= 500 ? "unavailable" : "rejected";
  }
}

const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "EADDRNOTAVAIL",
  "UND_ERR_SOCKET",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
]);
const timeoutCodes = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
// EPROTO: OpenSSL heard something that is no TLS.
const brokenHttpCode = /^(EPROTO$|HPE_|UND_ERR_RES_|UND_ERR_RESPONSE|UND_ERR_CONTENT_LENGTH)/;
// OpenSSL's verification names as Node passes them on, and TLS alerts.
const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/;

function failureOfCode(code: string, link: unknown): KubeFailure | undefined {
  const said = link instanceof Error && link.message !== "" ? link.message : code;
  if (networkCodes.has(code)) return { kind: "network", sentence: said };
  if (timeoutCodes.has(code)) return { kind: "timeout", sentence: said };
  if (brokenHttpCode.test(code)) return { kind: "garbage", sentence: said };
  if (tlsCode.test(code)) return { kind: "tls", sentence: `the API server's certificate: ${said}` };
  return undefined;
}

/** The thrown value and its causes, outermost first; several attempts at once (AggregateError) count by the first. */
function causes(thrown: unknown): readonly unknown[] {
  const found: unknown[] = [];
  let link: unknown = thrown;
  while (link !== undefined && link !== null && found.length < 8) {
    found.push(link);
    const several: unknown = link instanceof AggregateError ? link.errors[0] : undefined;
    link = several ?? (isObject(link) ? link["cause"] : undefined);
  }
  return found;
}
