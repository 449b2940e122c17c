/**
 * The static rules as far as CEL can say them within its cost limits: numbers, images, names, selector, checks, tolerance,
 * Secret. Not the cluster's state, no warnings, no message with the value, and floats and image references only roughly.
 */
import { ANSWERER_LABEL, POLICY_NAME } from "./answerers.ts";

const T = "object.spec.imagePrePullTemplate";
const NAME = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const IMAGE =
  "([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*" +
  "(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@[a-z0-9]+:[0-9a-f]{32,})?";

const hasField = (field: string): string => `has(${T}.${field})`;
const whereGiven = (field: string, test: string): string => `!${hasField(field)} || (${test})`;
const between = (field: string, most: string): string =>
  whereGiven(field, `${T}.${field} >= 0 && ${T}.${field} <= ${most}`);

const VALIDATIONS: readonly (readonly [message: string, expression: string])[] = [
  ["timeoutSeconds: 0 to 4294967295", between("timeoutSeconds", "4294967295")],
  ["concurrency: 0 to 2147483647", between("concurrency", "2147483647")],
  ["retryTimes: 0 to 2147483647", between("retryTimes", "2147483647")],
  ["images: at least one", `${hasField("images")} && size(${T}.images) > 0`],
  ["images: bad reference", whereGiven("images", `${T}.images.all(i, i.matches('^${IMAGE}$'))`)],
  [
    "either nodeNames or labelSelector",
    `(${hasField("nodeNames")} && size(${T}.nodeNames) > 0) != ${hasField("labelSelector")}`,
  ],
  [
    "nodeNames: bad name",
    whereGiven("nodeNames", `${T}.nodeNames.all(n, size(n) <= 253 && n.matches('^${NAME}$'))`),
  ],
  [
    "nodeNames: twice",
    whereGiven("nodeNames", `${T}.nodeNames.all(n, ${T}.nodeNames.exists_one(o, o == n))`),
  ],
  [
    "labelSelector: everything",
    whereGiven(
      "labelSelector",
      `(has(${T}.labelSelector.matchLabels) && size(${T}.labelSelector.matchLabels) > 0) || ` +
        `(has(${T}.labelSelector.matchExpressions) && size(${T}.labelSelector.matchExpressions) > 0)`,
    ),
  ],
  ["checkItems", whereGiven("checkItems", `${T}.checkItems.all(c, c in ['cpu', 'mem', 'disk'])`)],
  [
    "failureTolerate: 0 to 1",
    whereGiven("failureTolerate", `${T}.failureTolerate.matches('^(0?[.][0-9]+|0|1|1[.]0+)$')`),
  ],
  [
    "imageSecrets: namespace/name",
    whereGiven("imageSecrets", `${T}.imageSecrets.matches('^${NAME}/${NAME}$')`),
  ],
];

/** The policy and its binding, to POST. */
export function policy(): readonly { readonly resource: string; readonly body: object }[] {
  const apiVersion = "admissionregistration.k8s.io/v1";
  const metadata = { name: POLICY_NAME };
  const resourceRules = [
    {
      apiGroups: ["operations.kubeedge.io"],
      apiVersions: ["v1alpha1", "v1alpha2"],
      resources: ["imageprepulljobs"],
      operations: ["CREATE", "UPDATE"],
    },
  ];
  const objectSelector = { matchLabels: { [ANSWERER_LABEL]: "policy" } };
  const spec = {
    failurePolicy: "Fail",
    matchConstraints: { resourceRules, objectSelector },
    validations: VALIDATIONS.map(([message, expression]) => ({ message, expression, reason: "Invalid" })),
  };
  const binding = { policyName: POLICY_NAME, validationActions: ["Deny"] };
  return [
    {
      resource: "validatingadmissionpolicies",
      body: { apiVersion, kind: "ValidatingAdmissionPolicy", metadata, spec },
    },
    {
      resource: "validatingadmissionpolicybindings",
      body: { apiVersion, kind: "ValidatingAdmissionPolicyBinding", metadata, spec: binding },
    },
  ];
}
