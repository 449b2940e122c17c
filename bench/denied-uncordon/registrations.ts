/** What is registered in the API server: the chart's own rules and conditions, for the bench's nodes. */
import { registrations, type Registration } from "../../test/simulated/registrations.ts";
import { ANSWERER_LABEL, POLICY_NAME, WEBHOOKS, type AnswererName } from "./answerers.ts";

export interface WebhookAddress {
  /** `https://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly caPem: string;
}

/** An object to POST, and where. */
export interface Posted {
  readonly path: string;
  readonly body: object;
}

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const UNUSED = "unused";

/**
 * Guard and latch of both programs, their guards once more without a latch, and the policy. Each sees the nodes of its
 * answerers alone: the API server looks at labels before it evaluates any condition.
 */
export async function everyRegistration(
  nodelatch: WebhookAddress,
  go: WebhookAddress,
): Promise<readonly Posted[]> {
  const [guard, latch] = await registrations(UNUSED, UNUSED);
  if (guard === undefined || latch === undefined) throw new Error("the chart has no guard and latch");
  const posted = (registration: Registration): Posted => ({
    path: `${GROUP}/${registration.kind.toLowerCase()}s`,
    body: registration,
  });
  const { guard: ourGuard, latch: ourLatch, guardAlone } = WEBHOOKS;
  const { goGuard, goLatch, goGuardAlone } = WEBHOOKS;
  return [
    // The program looks for its own by the name "nodelatch".
    posted(registered(guard, "nodelatch", ourGuard, "/guard", nodelatch, "nodelatch")),
    posted(registered(latch, "nodelatch", ourLatch, "/latch", nodelatch, "nodelatch")),
    posted(registered(guard, "nodelatch-alone", guardAlone, "/guard", nodelatch, "nodelatch-guard")),
    posted(registered(guard, "go", goGuard, "/guard", go, "go")),
    posted(registered(latch, "go", goLatch, "/latch", go, "go")),
    posted(registered(guard, "go-alone", goGuardAlone, "/guard", go, "go-guard")),
    ...policy(guard),
  ];
}

function registered(
  like: Registration,
  name: string,
  webhook: string,
  path: string,
  address: WebhookAddress,
  answerer: AnswererName,
): Registration {
  const clientConfig = {
    url: `${address.url}${path}`,
    caBundle: Buffer.from(address.caPem).toString("base64"),
  };
  // The first is guard or latch; what follows is not about nodes.
  const webhooks = like.webhooks.slice(0, 1).map((entry) => ({
    ...entry,
    name: webhook,
    clientConfig,
    objectSelector: nodesOf(answerer),
  }));
  return { ...like, metadata: { name }, webhooks };
}

/** The refusal of a stranger's uncordon in CEL. It can't read the lock's JSON: no expiry, no override, no message. */
function policy(guard: Registration): readonly Posted[] {
  const [entry] = guard.webhooks;
  const apiVersion = "admissionregistration.k8s.io/v1";
  const metadata = { name: POLICY_NAME };
  const spec = {
    failurePolicy: "Fail",
    matchConstraints: { resourceRules: entry?.["rules"], objectSelector: nodesOf("policy") },
    matchConditions: entry?.["matchConditions"],
    validations: [
      {
        expression: `oldObject.metadata.annotations['nodelatch.io/reboot-lock'].contains('"holder":"' + request.userInfo.username + '"')`,
        messageExpression: `"node " + oldObject.metadata.name + " is locked for a reboot; " + request.userInfo.username + " may not uncordon it"`,
        reason: "Forbidden",
      },
    ],
  };
  const binding = { policyName: POLICY_NAME, validationActions: ["Deny"] };
  return [
    {
      path: `${GROUP}/validatingadmissionpolicies`,
      body: { apiVersion, kind: "ValidatingAdmissionPolicy", metadata, spec },
    },
    {
      path: `${GROUP}/validatingadmissionpolicybindings`,
      body: { apiVersion, kind: "ValidatingAdmissionPolicyBinding", metadata, spec: binding },
    },
  ];
}

function nodesOf(answerer: AnswererName): object {
  return { matchLabels: { [ANSWERER_LABEL]: answerer } };
}
