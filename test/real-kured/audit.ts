/** What a user sent, by the API server's own audit log. */
import { isWholeNode } from "../kured/requests.ts";

/** Says in which file the test files find it. */
export const AUDIT_VARIABLE = "NODELATCH_REAL_KURED_AUDIT";

/** Bodies of everything that may matter; nobody else's requests. */
export function auditPolicy(user: string): object {
  const resources = [
    { group: "", resources: ["nodes", "pods/eviction"] },
    { group: "apps", resources: ["daemonsets"] },
  ];
  return {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    omitManagedFields: true,
    rules: [
      { level: "RequestResponse", users: [user], resources },
      { level: "Metadata", users: [user] },
      { level: "None" },
    ],
  };
}

export interface AuditedRequest {
  readonly verb: string;
  /** With the query. */
  readonly path: string;
  readonly userAgent: string;
  readonly status: number;
  /** As sent; undefined where there was none. */
  readonly body: unknown;
  /** The object that came back; undefined where there was none. */
  readonly answer: unknown;
}

/** @throws Error for a line that is no audit event. */
export function parseAudit(log: string): readonly AuditedRequest[] {
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => requestOf(fields(JSON.parse(line))));
}

function requestOf(event: Fields): AuditedRequest {
  const { verb, requestURI: path, userAgent = "", requestObject: body, responseObject: answer } = event;
  const { code } = fields(event["responseStatus"]);
  if (typeof verb !== "string" || typeof path !== "string" || typeof userAgent !== "string")
    throw new Error(`audit log: expected verb, requestURI and userAgent in ${JSON.stringify(event)}`);
  return { verb, path, userAgent, status: typeof code === "number" ? code : 0, body, answer };
}

/** Writes to a node in the words that the stand-in has for its own (test/kured/kured-pod.ts), oldest first. */
export function nodeWrites(requests: readonly AuditedRequest[]): readonly string[] {
  return requests
    .filter(({ verb, path }) => verb !== "get" && path.startsWith("/api/v1/nodes/"))
    .map(({ verb, body, status }) => `${verb.toUpperCase()} ${wordsOf(body)} ${status}`);
}

function wordsOf(body: unknown): string {
  return isWholeNode(body) ? "whole node" : JSON.stringify(body);
}

/** `N × VERB RESOURCE STATUS`, names left out, the first kind first. */
export function summary(requests: readonly AuditedRequest[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { verb, path, status } of requests) {
    const kind = path.split("?")[0]?.replace(/\/(nodes|pods|daemonsets|namespaces)\/[^/]+/g, "/$1/*") ?? path;
    const key = `${verb} ${kind} ${status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${count} × ${key}`);
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
