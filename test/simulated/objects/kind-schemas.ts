/** The other kinds that are typed here: Event, Secret, Namespace, Lease and the two webhook configurations. */
import { kindSchema } from "./metadata-schema.ts";
import {
  anything,
  integer,
  optionalFlag,
  optionalInteger,
  optionalText,
  requiredText,
  text,
  textMap,
  texts,
  time,
} from "./schema.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const reference: ObjectSchema = {
  type: "object",
  presence: "always",
  fields: {
    kind: text,
    namespace: text,
    name: text,
    uid: text,
    apiVersion: text,
    resourceVersion: text,
    fieldPath: text,
  },
};

export const eventSchema: ObjectSchema = kindSchema({
  involvedObject: reference,
  reason: text,
  message: text,
  source: { type: "object", presence: "always", fields: { component: text, host: text } },
  firstTimestamp: time,
  lastTimestamp: time,
  count: integer,
  type: text,
  eventTime: time,
  series: { type: "object", fields: { count: integer, lastObservedTime: text } },
  action: text,
  related: { ...reference, presence: "pointer" },
  reportingComponent: requiredText,
  reportingInstance: requiredText,
});

export const secretSchema: ObjectSchema = kindSchema({
  immutable: optionalFlag,
  data: { type: "map", values: { type: "bytes" } },
  stringData: textMap,
  type: text,
});

export const namespaceSchema: ObjectSchema = kindSchema({
  spec: { type: "object", presence: "always", fields: { finalizers: texts } },
  status: {
    type: "object",
    presence: "always",
    fields: { phase: text, conditions: { type: "list", items: anything, merge: { key: "type" } } },
  },
});

export const leaseSchema: ObjectSchema = kindSchema({
  spec: {
    type: "object",
    presence: "always",
    fields: {
      holderIdentity: optionalText,
      leaseDurationSeconds: optionalInteger,
      acquireTime: optionalText,
      renewTime: optionalText,
      leaseTransitions: optionalInteger,
      strategy: optionalText,
      preferredHolder: optionalText,
    },
  },
});

const clientConfig: ObjectSchema = {
  type: "object",
  presence: "always",
  fields: {
    url: optionalText,
    service: {
      type: "object",
      fields: { namespace: requiredText, name: requiredText, path: optionalText, port: optionalInteger },
    },
    caBundle: { type: "bytes" },
  },
};

const webhookFields: Readonly<Record<string, Schema>> = {
  name: requiredText,
  clientConfig,
  rules: {
    type: "list",
    items: {
      type: "object",
      fields: {
        operations: texts,
        apiGroups: texts,
        apiVersions: texts,
        resources: texts,
        scope: optionalText,
      },
    },
  },
  failurePolicy: optionalText,
  matchPolicy: optionalText,
  namespaceSelector: anything,
  objectSelector: anything,
  sideEffects: optionalText,
  timeoutSeconds: optionalInteger,
  admissionReviewVersions: texts,
  matchConditions: {
    type: "list",
    items: { type: "object", fields: { name: requiredText, expression: requiredText } },
    merge: { key: "name" },
  },
};

export const validatingWebhookSchema: ObjectSchema = kindSchema({
  webhooks: { type: "list", items: { type: "object", fields: webhookFields }, merge: { key: "name" } },
});

export const mutatingWebhookSchema: ObjectSchema = kindSchema({
  webhooks: {
    type: "list",
    items: { type: "object", fields: { ...webhookFields, reinvocationPolicy: optionalText } },
    merge: { key: "name" },
  },
});
