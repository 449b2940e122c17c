/**
 * How the chart registers the webhooks, as far as the doctor compares it. A copy, because this program carries no
 * chart; expected.test.ts holds it against charts/nodelatch/registrations.
 */

export interface ExpectedWebhook {
  readonly kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";
  readonly resource: string;
  readonly name: string;
  readonly path: string;
  readonly failurePolicy: "Fail" | "Ignore";
  readonly operations: readonly string[];
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
  /** What is amiss while it is missing. */
  readonly without: string;
}

const LOCK = "?metadata.?annotations[?'nodelatch.io/reboot-lock']";
const OVERRIDE = "?metadata.?annotations[?'nodelatch.io/override']";
const UNCORDONS =
  "oldObject.?spec.?unschedulable.orValue(false) && !object.?spec.?unschedulable.orValue(false)";

export const EXPECTED: readonly ExpectedWebhook[] = [
  {
    kind: "ValidatingWebhookConfiguration",
    resource: "validatingwebhookconfigurations",
    name: "guard.nodelatch.io",
    path: "/guard",
    failurePolicy: "Fail",
    operations: ["UPDATE", "DELETE"],
    matchConditions: [
      { name: "locked", expression: `oldObject != null && oldObject.${LOCK}.hasValue()` },
      {
        name: "dangerous",
        expression: `object == null || object.${LOCK} != oldObject.${LOCK} || (${UNCORDONS})`,
      },
    ],
    without: "anybody can uncordon a locked node",
  },
  {
    kind: "MutatingWebhookConfiguration",
    resource: "mutatingwebhookconfigurations",
    name: "latch.nodelatch.io",
    path: "/latch",
    failurePolicy: "Ignore",
    operations: ["CREATE", "UPDATE"],
    matchConditions: [
      {
        name: "touches-lock",
        expression:
          `(object.${LOCK}.hasValue() && object.${LOCK} != oldObject.${LOCK}) || ` +
          `(oldObject.${LOCK}.hasValue() && ((${UNCORDONS}) || ` +
          `(object.${OVERRIDE}.hasValue() && object.${OVERRIDE} != oldObject.${OVERRIDE})))`,
      },
    ],
    without: "new locks have no known holder",
  },
];
