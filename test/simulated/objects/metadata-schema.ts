/** ObjectMeta, and the frame that every kind shares. */
import {
  anything,
  integer,
  optionalFlag,
  optionalInteger,
  optionalText,
  requiredText,
  text,
  textMap,
} from "./schema.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const ownerReference: ObjectSchema = {
  type: "object",
  fields: {
    apiVersion: requiredText,
    kind: requiredText,
    name: requiredText,
    uid: requiredText,
    controller: optionalFlag,
    blockOwnerDeletion: optionalFlag,
  },
};

const metadata: ObjectSchema = {
  type: "object",
  presence: "always",
  fields: {
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid: text,
    resourceVersion: text,
    generation: integer,
    creationTimestamp: text,
    deletionTimestamp: optionalText,
    deletionGracePeriodSeconds: optionalInteger,
    labels: textMap,
    annotations: textMap,
    ownerReferences: { type: "list", items: ownerReference, merge: { key: "uid" } },
    finalizers: { type: "list", items: requiredText, merge: "set" },
    managedFields: { type: "list", items: anything },
  },
};

/** apiVersion, kind, metadata, then the kind's own fields, in the order the real server prints them. */
export function kindSchema(fields: Readonly<Record<string, Schema>>): ObjectSchema {
  return {
    type: "object",
    fields: { kind: requiredText, apiVersion: requiredText, metadata, ...fields },
  };
}
