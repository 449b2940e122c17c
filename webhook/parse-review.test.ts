import { describe, expect, test } from "vitest";
import { parseReview } from "./parse-review.ts";
import { requestWith, reviewBody, type Json } from "./testing/review-body.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";

function review(body: string | Uint8Array) {
  const parsed = parseReview(body);
  if (parsed.kind === "bad") throw new Error(parsed.message);
  if (!("node" in parsed.review)) throw new Error("expected a review of a Node");
  return parsed.review;
}

function bad(body: string | Uint8Array) {
  const parsed = parseReview(body);
  if (parsed.kind === "review") throw new Error("expected a bad review, got a good one");
  return parsed;
}

describe("parseReview()", () => {
  test("reads an uncordon as the API server sends it", () => {
    const { old, node, ...envelope } = review(reviewBody());
    expect(old).toMatchObject({ name: "n1", unschedulable: true });
    expect(node).toMatchObject({ name: "n1", unschedulable: false });
    expect(envelope).toEqual({
      apiVersion: "admission.k8s.io/v1",
      uid: UID,
      operation: "UPDATE",
      subresource: "",
      dryRun: false,
      caller: {
        username: "bob",
        uid: "",
        groups: ["ops", "system:authenticated"],
        extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=0f"] },
      },
    });
  });

  test("keeps only the annotations under nodelatch.io/", () => {
    expect([...(review(reviewBody()).old?.annotations.keys() ?? [])]).toEqual(["nodelatch.io/reboot-lock"]);
  });

  test("takes bytes and text alike", () => {
    expect(review(Buffer.from(reviewBody()))).toEqual(review(reviewBody()));
  });

  test.each<[string, Record<string, Json | undefined>, string]>([
    ["a delete carries the old node only", { operation: "DELETE", object: null }, "old"],
    ["a deletecollection has no name", { operation: "DELETE", object: null, name: undefined }, "old"],
    ["a create carries the new node only", { operation: "CREATE", oldObject: null }, "new"],
    ["a connect carries neither, whatever its object is", { operation: "CONNECT", object: {} }, "none"],
  ])("%s", (_name, change, sides) => {
    const { old, node } = review(reviewBody(change));
    expect([old !== null, node !== null]).toEqual([sides === "old", sides === "new"]);
  });

  test("reads the subresource", () => {
    expect(review(reviewBody({ subResource: "status" })).subresource).toBe("status");
  });

  test("takes null and absent fields of the caller for empty ones", () => {
    const { caller } = review(
      reviewBody({ userInfo: { username: "bob", groups: null, extra: { a: null } } }),
    );
    expect(caller).toEqual({ username: "bob", uid: "", groups: [], extra: { a: [] } });
  });

  test("takes an absent dryRun for false, and reads true", () => {
    expect(review(reviewBody({ dryRun: undefined })).dryRun).toBe(false);
    expect(review(reviewBody({ dryRun: true })).dryRun).toBe(true);
  });

  const group = { group: "apps", version: "v1", resource: "nodes" };
  test.each<[string, Record<string, Json | undefined>, string]>([
    ["an empty uid", { uid: "" }, 'request.uid: expected an id to answer to, got ""'],
    ["a uid that is a number", { uid: 7 }, "request.uid: expected a string, got 7"],
    [
      "an operation of another case",
      { operation: "update" },
      'request.operation: expected one of CREATE, UPDATE, DELETE, CONNECT, got "update"',
    ],
    [
      "no operation",
      { operation: undefined },
      "request.operation: expected one of CREATE, UPDATE, DELETE, CONNECT, got nothing",
    ],
    [
      "another resource",
      { resource: { group: "", version: "v1", resource: "pods" } },
      "request.resource: expected core/v1 nodes",
    ],
    ["nodes of another group", { resource: group }, 'got "apps/v1/nodes"'],
    ["no resource", { resource: undefined }, "request.resource: expected an object, got nothing"],
    [
      "another kind",
      { kind: { group: "", version: "v1", kind: "Pod" } },
      'request.kind: expected core/v1 Node, got "/v1/Pod"',
    ],
    [
      "another requested kind",
      { requestKind: { group: "", version: "v2", kind: "Node" } },
      "request.requestKind: expected core/v1 Node",
    ],
    [
      "a requested kind that is a list",
      { requestKind: [] },
      "request.requestKind: expected an object, got a list",
    ],
    ["dryRun as text", { dryRun: "true" }, 'request.dryRun: expected true, false or null, got "true"'],
    [
      "a subresource that is an object",
      { subResource: {} },
      "request.subResource: expected a string, got an object",
    ],
    ["no userInfo", { userInfo: undefined }, "request.userInfo: expected an object, got nothing"],
    [
      "an empty username",
      { userInfo: { username: "" } },
      "request.userInfo.username: expected the caller's name",
    ],
    ["no username", { userInfo: {} }, "request.userInfo.username: expected a string, got nothing"],
    [
      "groups as text",
      { userInfo: { username: "b", groups: "ops" } },
      'request.userInfo.groups: expected a list of strings, got "ops"',
    ],
    [
      "a group that is a number",
      { userInfo: { username: "b", groups: ["a", 1] } },
      "request.userInfo.groups[1]: expected a string, got 1",
    ],
    [
      "extra as a list",
      { userInfo: { username: "b", extra: [] } },
      "request.userInfo.extra: expected an object, got a list",
    ],
    [
      "an extra value that is no list",
      { userInfo: { username: "b", extra: { k: "v" } } },
      "request.userInfo.extra[k]: expected a list of strings",
    ],
    ["no old node on update", { oldObject: null }, "request.oldObject: expected a Node on UPDATE, got null"],
    [
      "no new node on update",
      { object: undefined },
      "request.object: expected a Node on UPDATE, got nothing",
    ],
    [
      "no old node on delete",
      { operation: "DELETE", oldObject: null },
      "request.oldObject: expected a Node on DELETE",
    ],
    ["no node on create", { operation: "CREATE", object: null }, "request.object: expected a Node on CREATE"],
    ["a node that is a list", { oldObject: [] }, "request.oldObject: expected an object, got an array"],
    [
      "unschedulable as text",
      { object: { metadata: {}, spec: { unschedulable: "false" } } },
      "request.object.spec.unschedulable",
    ],
    [
      "a lock that is an object",
      { object: { metadata: { annotations: { "nodelatch.io/reboot-lock": {} } } } },
      "request.object.metadata.annotations[nodelatch.io/reboot-lock]",
    ],
    [
      "a name no API server would store",
      { object: { metadata: { name: "x".repeat(254) } } },
      "request.object.metadata.name: expected at most 253",
    ],
    [
      "more annotations than Kubernetes stores",
      { object: { metadata: { annotations: { "nodelatch.io/x": "y".repeat(262_144) } } } },
      "request.object.metadata.annotations: expected at most 262144",
    ],
    [
      "more groups than headers can hold",
      { userInfo: { username: "b", groups: Array.from({ length: 600_000 }, () => "g") } },
      "request.userInfo: expected at most 1048576",
    ],
  ])("refuses %s, says why, and keeps the uid", (_name, change, message) => {
    const parsed = bad(reviewBody(change));
    expect(parsed.code).toBe(400);
    expect(parsed.message).toContain(message);
    expect(parsed.uid).toBe(typeof requestWith(change)["uid"] === "string" ? requestWith(change)["uid"] : "");
  });

  test.each<[string, string | Uint8Array, string]>([
    ["nothing", "", "expected an AdmissionReview in JSON, got nothing"],
    ["text that is not JSON", "{oops}", "body: expected JSON, got text that is none"],
    ["JSON that ends early", '{"kind":', "body: expected JSON, got text that is none"],
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "body: expected JSON in UTF-8"],
    ["a byte order mark", Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), "body: expected JSON, got text"],
    ["a list", "[]", "body: expected an object, got a list"],
    ["null", "null", "body: expected an object, got null"],
    ["a number", "4", "body: expected an object, got 4"],
    ["another kind", '{"kind":"Pod","apiVersion":"v1"}', 'kind: expected "AdmissionReview", got "Pod"'],
    [
      "a review without a request",
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      "request: expected an object, got nothing",
    ],
    [
      "a request that is a list",
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":[]}',
      "request: expected an object, got a list",
    ],
  ])("refuses %s, without a uid", (_name, body, message) => {
    const parsed = bad(body);
    expect(parsed).toMatchObject({ code: 400, uid: "", apiVersion: "admission.k8s.io/v1" });
    expect(parsed.message).toContain(message);
  });

  test("refuses v1beta1 in v1beta1, with the uid, and names the setting", () => {
    const parsed = bad(reviewBody({}, { apiVersion: "admission.k8s.io/v1beta1" }));
    expect(parsed).toMatchObject({ uid: UID, apiVersion: "admission.k8s.io/v1beta1" });
    expect(parsed.message).toContain(
      'apiVersion: expected "admission.k8s.io/v1" (set admissionReviewVersions: [v1]), got "admission.k8s.io/v1beta1"',
    );
  });

  test("never quotes the body of what is not JSON", () => {
    expect(bad('{"secret":"hunter2",}').message).not.toContain("hunter2");
  });

  test("keeps a message short, whatever key it quotes", () => {
    const annotations = { [`nodelatch.io/${"k".repeat(100_000)}`]: 1 };
    expect(bad(reviewBody({ object: { metadata: { annotations } } })).message.length).toBeLessThan(700);
  });

  test("takes __proto__ for a key like any other, everywhere", () => {
    const body = reviewBody()
      .replace('"extra":{', '"extra":{"__proto__":["polluted"],')
      .replace('"annotations":{', '"annotations":{"__proto__":"polluted",')
      .replace('"userInfo":{', '"userInfo":{"__proto__":{"username":"admin","groups":["system:masters"]},');
    expect(body.match(/__proto__/g)).toHaveLength(3);
    const { caller } = review(body);
    expect(caller.username).toBe("bob");
    expect(caller.groups).not.toContain("system:masters");
    expect(Object.getPrototypeOf(caller.extra)).toBe(Object.prototype);
    expect(Object.keys(caller.extra)).toContain("__proto__");
    expect({}).not.toHaveProperty("polluted");
  });

  test("does not take a missing field from __proto__", () => {
    const body = reviewBody({ operation: undefined }).replace(
      '"request":{',
      '"request":{"__proto__":{"operation":"CONNECT"},',
    );
    expect(bad(body).message).toContain("request.operation");
  });
});
