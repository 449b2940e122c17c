/** Turns a verdict, or a failure to reach one, into the AdmissionReview that goes back. */
import { LONGEST_WARNING } from "../lock/message.ts";
import { shorten } from "../lock/shorten.ts";
import type { Verdict } from "./review.ts";

/** Which review is answered; both are echoed, the API server drops an answer in which they differ. */
export interface Asked {
  readonly apiVersion: string;
  /** "" if the request had none that could be read. */
  readonly uid: string;
}

/** No verdict was reached; the request is refused with why. */
export interface Failure {
  readonly code: 400 | 413 | 500 | 504;
  readonly message: string;
}

/** metav1.StatusReason for each code (apimachinery meta/v1 types.go). */
const REASONS = {
  400: "BadRequest",
  413: "RequestEntityTooLarge",
  500: "InternalError",
  504: "Timeout",
} as const;

/** The body of the answer to a review that was decided. Warnings are shortened to 120 characters. */
export function verdictAnswer(asked: Asked, verdict: Verdict): string {
  const common = {
    uid: asked.uid,
    allowed: verdict.kind === "allow",
    ...(verdict.warnings.length > 0 && { warnings: verdict.warnings.map(shortWarning) }),
    ...(hasKeys(verdict.audit) && { auditAnnotations: verdict.audit }),
  };
  if (verdict.kind === "refuse") {
    const { code, reason, message } = verdict;
    return answer(asked, { ...common, status: { status: "Failure", code, reason, message } });
  }
  // An empty patch with a patchType is an error to the API server, and so is a type without a patch.
  const patch = verdict.patch.length > 0 && {
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(verdict.patch)).toString("base64"),
  };
  return answer(asked, { ...common, ...patch, status: { code: 200 } });
}

/** The body of the answer to a review that could not be decided: refused, HTTP 200, the code inside. */
export function failureAnswer(asked: Asked, failure: Failure): string {
  const { code, message } = failure;
  const status = { status: "Failure", code, reason: REASONS[code], message };
  return answer(asked, { uid: asked.uid, allowed: false, status });
}

function answer(asked: Asked, response: object): string {
  return JSON.stringify({ apiVersion: asked.apiVersion, kind: "AdmissionReview", response });
}

function shortWarning(warning: string): string {
  return shorten(warning, LONGEST_WARNING);
}

function hasKeys(record: Readonly<Record<string, string>>): boolean {
  for (const _ in record) return true;
  return false;
}
