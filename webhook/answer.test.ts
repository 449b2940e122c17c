import { describe, expect, test } from "vitest";
import { failureAnswer, verdictAnswer } from "./answer.ts";
import type { Verdict } from "./review.ts";

const ASKED = { apiVersion: "admission.k8s.io/v1", uid: "u-1" };
const ALLOW: Verdict & { kind: "allow" } = {
  kind: "allow",
  decision: "x",
  warnings: [],
  audit: {},
  patch: [],
};

function parsed(json: string): unknown {
  return JSON.parse(json);
}

describe("verdictAnswer()", () => {
  test("says yes with code 200 and nothing that is not needed", () => {
    expect(parsed(verdictAnswer(ASKED, ALLOW))).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "u-1", allowed: true, status: { code: 200 } },
    });
  });

  test("says no as the API server passes it on, with warnings and audit annotations", () => {
    const verdict: Verdict = {
      kind: "refuse",
      decision: "not-holder",
      code: 403,
      reason: "Forbidden",
      message: "node n1 is locked",
      warnings: ["careful"],
      audit: { decision: "not-holder" },
    };
    expect(parsed(verdictAnswer(ASKED, verdict))).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: {
        uid: "u-1",
        allowed: false,
        warnings: ["careful"],
        auditAnnotations: { decision: "not-holder" },
        status: { status: "Failure", code: 403, reason: "Forbidden", message: "node n1 is locked" },
      },
    });
  });

  test("encodes a patch in base64 and names its type", () => {
    const patch = [{ op: "add" as const, path: "/metadata/annotations", value: { ä: "ö" } }];
    expect(parsed(verdictAnswer(ASKED, { ...ALLOW, patch }))).toHaveProperty("response", {
      uid: "u-1",
      allowed: true,
      patchType: "JSONPatch",
      patch: Buffer.from('[{"op":"add","path":"/metadata/annotations","value":{"ä":"ö"}}]').toString(
        "base64",
      ),
      status: { code: 200 },
    });
  });

  test("shortens a warning to 120 characters, between two characters", () => {
    const warnings = ["ok", "x".repeat(121), "🔒".repeat(121)];
    expect(parsed(verdictAnswer(ASKED, { ...ALLOW, warnings }))).toHaveProperty("response.warnings", [
      "ok",
      `${"x".repeat(117)}...`,
      `${"🔒".repeat(117)}...`,
    ]);
  });
});

test.each([
  [400, "BadRequest"],
  [413, "RequestEntityTooLarge"],
  [500, "InternalError"],
  [504, "Timeout"],
] as const)(
  "failureAnswer() with code %i refuses with reason %s, in the version it was asked in",
  (code, reason) => {
    const asked = { apiVersion: "admission.k8s.io/v1beta1", uid: "u-1" };
    expect(parsed(failureAnswer(asked, { code, message: "why" }))).toEqual({
      apiVersion: "admission.k8s.io/v1beta1",
      kind: "AdmissionReview",
      response: { uid: "u-1", allowed: false, status: { status: "Failure", code, reason, message: "why" } },
    });
  },
);
