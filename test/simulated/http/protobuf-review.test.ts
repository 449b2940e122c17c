import { describe, expect, test } from "vitest";
import { reviewFromProtobuf } from "./protobuf-review.ts";

/** A length-delimited field. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function message(kind: string, spec: Buffer): Buffer {
  const typeMeta = field(1, Buffer.concat([field(1, "authorization.k8s.io/v1"), field(2, kind)]));
  const status = field(3, Buffer.from([0x08, 0x00]));
  const review = Buffer.concat([field(1, ""), field(2, spec), status]);
  return Buffer.concat([Buffer.from("k8s\0"), typeMeta, field(2, review), field(3, ""), field(4, "")]);
}

describe("reviewFromProtobuf()", () => {
  test("reads what kubectl auth can-i sends", () => {
    const attributes = Buffer.concat([
      field(2, "override"),
      field(3, "nodelatch.io"),
      field(5, "rebootlocks"),
      field(7, "n1"),
    ]);
    expect(reviewFromProtobuf(message("SelfSubjectAccessReview", field(1, attributes)))).toMatchObject({
      kind: "SelfSubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      spec: {
        resourceAttributes: { verb: "override", group: "nodelatch.io", resource: "rebootlocks", name: "n1" },
      },
    });
  });

  test("reads a review of somebody else", () => {
    const extra = Buffer.concat([field(1, "scope"), field(2, Buffer.concat([field(1, "a"), field(1, "b")]))]);
    const spec = Buffer.concat([
      field(2, Buffer.concat([field(1, "/metrics"), field(2, "get")])),
      field(3, "bob"),
      field(4, "dev"),
      field(4, "ops"),
      field(5, extra),
      field(6, "7"),
    ]);
    expect(reviewFromProtobuf(message("SubjectAccessReview", spec))["spec"]).toEqual({
      nonResourceAttributes: { path: "/metrics", verb: "get" },
      user: "bob",
      groups: ["dev", "ops"],
      extra: { scope: ["a", "b"] },
      uid: "7",
    });
  });

  test.each([
    ["JSON", Buffer.from("{}")],
    ["a length beyond the end", Buffer.from([0x6b, 0x38, 0x73, 0, 0x0a, 0x7f])],
    ["a broken number", Buffer.from([0x6b, 0x38, 0x73, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ["a field of another kind", Buffer.from([0x6b, 0x38, 0x73, 0, 0x0d, 1, 2, 3, 4])],
  ])("refuses %s", (_, body) => {
    expect(() => reviewFromProtobuf(body)).toThrow(/protobuf/);
  });
});
