import { expect, test } from "vitest";
import { nodeWrites, parseAudit, summary } from "./audit.ts";

const event = (verb: string, requestURI: string, code: number, requestObject?: unknown): string =>
  JSON.stringify({ verb, requestURI, userAgent: "kured", responseStatus: { code }, requestObject });

const cordon = { spec: { unschedulable: true } };
const log = [
  event("get", "/api/v1/nodes/n1", 200),
  event("patch", "/api/v1/nodes/n1", 200, { metadata: { name: "n1", uid: "u" } }),
  event("patch", "/api/v1/nodes/n1", 403, cordon),
  event("patch", "/api/v1/nodes/n1", 200, [{ op: "remove", path: "/metadata/annotations/a" }]),
  event("update", "/apis/apps/v1/namespaces/kube-system/daemonsets/kured", 200, { kind: "DaemonSet" }),
  event("get", "/api/v1/nodes/n2?x=1", 200),
  "",
].join("\n");

test("node writes in the stand-in's words", () => {
  expect(nodeWrites(parseAudit(log))).toEqual([
    "PATCH whole node 200",
    'PATCH {"spec":{"unschedulable":true}} 403',
    'PATCH [{"op":"remove","path":"/metadata/annotations/a"}] 200',
  ]);
});

test("how often what was sent", () => {
  expect(summary(parseAudit(log))).toEqual([
    "2 × get /api/v1/nodes/* 200",
    "2 × patch /api/v1/nodes/* 200",
    "1 × patch /api/v1/nodes/* 403",
    "1 × update /apis/apps/v1/namespaces/*/daemonsets/* 200",
  ]);
});

test("a line that is no event", () => {
  expect(() => parseAudit('{"verb":"get"}\n')).toThrow("audit log: expected verb, requestURI and userAgent");
});
