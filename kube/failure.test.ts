import { expect, test } from "vitest";
import { failureOf, KubeError, type KubeFailureKind } from "./failure.ts";

function coded(code: string, message = ""): Error {
  return Object.assign(new Error(message), { code });
}

test.each<[string, unknown, KubeFailureKind, string]>([
  [
    "fetch's bare words with the cause below",
    new TypeError("fetch failed", { cause: coded("ECONNREFUSED", "connect ECONNREFUSED 10.0.0.1:443") }),
    "network",
    "connect ECONNREFUSED 10.0.0.1:443",
  ],
  [
    "several addresses tried at once",
    new TypeError("fetch failed", { cause: new AggregateError([coded("EHOSTUNREACH", "no route")], "") }),
    "network",
    "no route",
  ],
  ["a code without words", coded("ECONNRESET"), "network", "ECONNRESET"],
  [
    "a slow connect",
    coded("UND_ERR_CONNECT_TIMEOUT", "Connect Timeout Error"),
    "timeout",
    "Connect Timeout Error",
  ],
  [
    "a foreign CA",
    coded("SELF_SIGNED_CERT_IN_CHAIN", "self-signed"),
    "tls",
    "the API server's certificate: self-signed",
  ],
  [
    "a wrong name",
    coded("ERR_TLS_CERT_ALTNAME_INVALID", "altnames"),
    "tls",
    "the API server's certificate: altnames",
  ],
  ["plain HTTP on the port", coded("HPE_INVALID_CONSTANT", "Expected HTTP/"), "garbage", "Expected HTTP/"],
  ["plain HTTP where TLS is due", coded("EPROTO", "wrong version number"), "garbage", "wrong version number"],
  ["a deadline", new DOMException("x", "TimeoutError"), "timeout", "no answer before the deadline"],
  ["giving up", new DOMException("x", "AbortError"), "aborted", "given up by the caller"],
  [
    "an unreadable file",
    new Error("read token", { cause: coded("EACCES", "permission denied") }),
    "unknown",
    "permission denied",
  ],
  ["a thrown text", "oops", "unknown", "an unknown error"],
  ["nothing", undefined, "unknown", "an unknown error"],
  [
    "a failure wrapped by a KubeError",
    new KubeError("read it", { kind: "forbidden", sentence: "no" }),
    "forbidden",
    "no",
  ],
])("%s is told apart", (_name, thrown, kind, sentence) => {
  expect(failureOf(thrown)).toEqual({ kind, sentence });
});

test("causes that go in a circle end", () => {
  const one = new Error("one");
  one.cause = one;
  expect(failureOf(one)).toEqual({ kind: "unknown", sentence: "one" });
});
