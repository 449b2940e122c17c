/** Registering the recording webhook, in as many ways as the steps need. */
import type { JsonObject } from "../../objects/json.ts";
import { put } from "../step.ts";
import type { Step } from "../step.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";
export const VALIDATING = `${GROUP}/validatingwebhookconfigurations`;
export const MUTATING = `${GROUP}/mutatingwebhookconfigurations`;
/** The node that the webhook steps are about. */
export const W1 = "/api/v1/nodes/w1";

export interface WebhookPlace {
  readonly url: string;
  readonly caPem: string;
  /** A port where nothing listens. */
  readonly deadUrl: string;
  /** A certificate that does not sign for the webhook. */
  readonly otherCaPem: string;
}

export interface Registration {
  /** One webhook that answers `way`; `more` overrides its fields. */
  readonly hook: (way: string, more?: JsonObject) => JsonObject;
  readonly validating: (...webhooks: JsonObject[]) => JsonObject;
  readonly mutating: (...webhooks: JsonObject[]) => JsonObject;
  /** Replaces the configuration of that kind. */
  readonly register: (title: string, configuration: JsonObject) => Step;
  /** Where a webhook of the given way is, with a certificate to trust. */
  readonly client: (way: string, caPem?: string) => JsonObject;
}

export function registration(place: WebhookPlace): Registration {
  const client = (way: string, caPem = place.caPem): JsonObject => ({
    clientConfig: { url: `${place.url}/${way}`, caBundle: Buffer.from(caPem).toString("base64") },
  });
  return {
    client,
    hook: (way, more = {}) => ({
      name: "guard.test.example.com",
      ...client(way),
      rules: [
        { apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["nodes", "nodes/status"] },
      ],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 1,
      ...more,
    }),
    validating: (...webhooks) => configuration("ValidatingWebhookConfiguration", webhooks),
    mutating: (...webhooks) => configuration("MutatingWebhookConfiguration", webhooks),
    register: (title, body) => {
      const path = `${body["kind"] === "MutatingWebhookConfiguration" ? MUTATING : VALIDATING}/test`;
      return put(
        title,
        path,
        async (current) => ({ ...body, metadata: (await current(path))["metadata"] ?? {} }),
        { settles: true },
      );
    },
  };
}

function configuration(kind: string, webhooks: JsonObject[]): JsonObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: "test" },
    webhooks,
  };
}

/** A small change of w1, to have something admitted. */
export function label(value: string): JsonObject {
  return { metadata: { labels: { touched: value } } };
}
