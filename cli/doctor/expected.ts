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
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
  /** What is amiss while it is missing. */
  readonly without: string;
  /** Of the chart, which leaves the registration out when it is off. */
  readonly value: "guard.mode" | "prepull.mode" | "tools";
  /** A cluster may do without: then a missing one is only mentioned. */
  readonly optional: boolean;
  /** Failing open is fine too. */
  readonly eitherPolicy: boolean;
}

const LOCK = "?metadata.?annotations[?'nodelatch.io/reboot-lock']";
const OVERRIDE = "?metadata.?annotations[?'nodelatch.io/override']";
const REQUESTED = "?metadata.?annotations[?'nodelatch.io/uncordon-requested']";
const UNCORDONS =
  "oldObject.?spec.?unschedulable.orValue(false) && !object.?spec.?unschedulable.orValue(false)";
const CORDONS =
  "!oldObject.?spec.?unschedulable.orValue(false) && object.?spec.?unschedulable.orValue(false)";
/** Which tools there are is said by values; the doctor leaves lists of texts out of its comparison. */
const BY_TOOL = "request.userInfo.username in [...]";

export const EXPECTED: readonly ExpectedWebhook[] = [
  {
    kind: "ValidatingWebhookConfiguration",
    resource: "validatingwebhookconfigurations",
    name: "guard.nodelatch.io",
    path: "/guard",
    failurePolicy: "Fail",
    resources: ["nodes", "nodes/status"],
    operations: ["UPDATE", "DELETE"],
    matchConditions: [
      { name: "locked", expression: `oldObject != null && oldObject.${LOCK}.hasValue()` },
      {
        name: "dangerous",
        expression:
          `object == null || object.${LOCK} != oldObject.${LOCK} || (${UNCORDONS}) || ` +
          `(object.${REQUESTED}.hasValue() && object.${REQUESTED} != oldObject.${REQUESTED}) || ` +
          `(${BY_TOOL} && ${CORDONS})`,
      },
    ],
    without: "anybody can uncordon a locked node",
    value: "guard.mode",
    optional: false,
    eitherPolicy: false,
  },
  {
    kind: "MutatingWebhookConfiguration",
    resource: "mutatingwebhookconfigurations",
    name: "latch.nodelatch.io",
    path: "/latch",
    failurePolicy: "Ignore",
    resources: ["nodes", "nodes/status"],
    operations: ["CREATE", "UPDATE"],
    matchConditions: [
      {
        name: "touches-lock",
        expression:
          `object.${LOCK} != oldObject.${LOCK} || ` +
          `(oldObject.${LOCK}.hasValue() && ((${UNCORDONS}) || ` +
          `(object.${OVERRIDE}.hasValue() && object.${OVERRIDE} != oldObject.${OVERRIDE})))`,
      },
    ],
    without: "new locks have no known holder",
    value: "guard.mode",
    optional: false,
    eitherPolicy: false,
  },
  {
    kind: "MutatingWebhookConfiguration",
    resource: "mutatingwebhookconfigurations",
    name: "latch-tools.nodelatch.io",
    path: "/latch",
    failurePolicy: "Fail",
    resources: ["nodes", "nodes/status"],
    operations: ["UPDATE"],
    matchConditions: [
      { name: "tool", expression: BY_TOOL },
      { name: "lock-as-it-was", expression: `object.${LOCK} == oldObject.${LOCK}` },
      {
        name: "locks-or-ends",
        expression:
          `(${CORDONS}) || (oldObject.${LOCK}.hasValue() && ${UNCORDONS}) || [...].exists(key, ` +
          "(object.?metadata.?annotations[?key].orValue('false') == 'false') != " +
          "(oldObject.?metadata.?annotations[?key].orValue('false') == 'false'))",
      },
    ],
    without: "reboot tools take no locks",
    value: "tools",
    optional: true,
    eitherPolicy: false,
  },
  {
    kind: "ValidatingWebhookConfiguration",
    resource: "validatingwebhookconfigurations",
    name: "prepull.nodelatch.io",
    path: "/prepull",
    failurePolicy: "Fail",
    resources: ["imageprepulljobs", "imageprepulljobs/status"],
    operations: ["CREATE", "UPDATE"],
    matchConditions: [
      {
        name: "can-harm",
        expression:
          "request.operation == 'CREATE' || (request.operation == 'UPDATE' && ( " +
          "request.requestKind.version == 'v1alpha1' || " +
          "(has(request.subResource) && request.subResource == 'status' " +
          "? has(oldObject.status) && has(oldObject.status.phase) && oldObject.status.phase != '' && " +
          "(!has(object.status) || !has(object.status.phase) || object.status.phase in ['', 'Init']) " +
          ": object.spec != oldObject.spec || (has(oldObject.metadata.finalizers) && " +
          "!request.userInfo.username.startsWith('system:serviceaccount:kubeedge:') && " +
          "(!has(object.metadata.finalizers) || " +
          "size(object.metadata.finalizers) < size(oldObject.metadata.finalizers))))))",
      },
    ],
    without: "one ImagePrePullJob with a bad number stops all of them",
    value: "prepull.mode",
    optional: true,
    eitherPolicy: true,
  },
];
