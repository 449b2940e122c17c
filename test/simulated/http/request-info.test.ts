import { describe, expect, test } from "vitest";
import { requestInfo } from "./request-info.ts";
import { representationOf } from "./accept.ts";
import { warningHeaders } from "./warning-header.ts";

describe("requestInfo()", () => {
  test.each([
    ["GET", "/api/v1/nodes", { verb: "list", resource: "nodes", name: "" }],
    ["GET", "/api/v1/nodes?watch=true", { verb: "watch", resource: "nodes" }],
    ["GET", "/api/v1/nodes/n1", { verb: "get", resource: "nodes", name: "n1", subresource: "" }],
    ["PATCH", "/api/v1/nodes/n1/status", { verb: "patch", name: "n1", subresource: "status" }],
    ["DELETE", "/api/v1/nodes", { verb: "deletecollection" }],
    ["POST", "/api/v1/namespaces/a/events", { verb: "create", resource: "events", namespace: "a", name: "" }],
    ["GET", "/api/v1/namespaces/a", { resource: "namespaces", namespace: "a", name: "a" }],
    ["GET", "/api/v1/namespaces/a/status", { resource: "namespaces", name: "a", subresource: "status" }],
    [
      "PUT",
      "/apis/coordination.k8s.io/v1/namespaces/a/leases/l",
      {
        verb: "update",
        group: "coordination.k8s.io",
        version: "v1",
        resource: "leases",
        namespace: "a",
        name: "l",
      },
    ],
    ["GET", "/api/v1", { isResource: false, verb: "get", path: "/api/v1", resource: "" }],
    ["GET", "/apis/apps/v1", { isResource: false, path: "/apis/apps/v1" }],
    ["GET", "/metrics", { isResource: false, path: "/metrics" }],
    ["GET", "/api/v1/nodes/a%2Fb", { name: "a/b" }],
  ])("%s %s", (method, uri, expected) => {
    const url = new URL(uri, "https://localhost");
    expect(requestInfo(method, url.pathname, url.searchParams)).toMatchObject(expected);
  });
});

describe("representationOf()", () => {
  test.each([
    [undefined, "json"],
    ["*/*", "json"],
    ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "table"],
    ["application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", "json"],
    ["application/vnd.kubernetes.protobuf,application/json", "json"],
    [
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
      "aggregated-discovery",
    ],
  ])("%s: %s", (accept, expected) => {
    expect(representationOf(accept)).toBe(expected);
  });

  test("refuses protobuf alone", () => {
    expect(() => representationOf("application/vnd.kubernetes.protobuf")).toThrow("application/json");
  });
});

describe("warningHeaders()", () => {
  test("quotes, says everything once and keeps to one line", () => {
    expect(warningHeaders(['say "hi"\nnow', 'say "hi"\nnow', "b"])).toEqual([
      String.raw`299 - "say \"hi\" now"`,
      '299 - "b"',
    ]);
  });

  test("shortens them only if they are too long together", () => {
    expect(warningHeaders(["x".repeat(1_000)])[0]).toHaveLength(1_000 + '299 - ""'.length);
    const many = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(1_000));
    expect(warningHeaders(many)[4]).toHaveLength(256 + '299 - ""'.length);
  });

  test("sends other alphabets as UTF-8 bytes", () => {
    expect(Buffer.from(warningHeaders(["größer"]).join(""), "latin1").toString()).toBe('299 - "größer"');
  });
});
