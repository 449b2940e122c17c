/** The fields of a Node (core/v1 of Kubernetes 1.35), with the list merge rules of its Go type. */
import { kindSchema } from "./metadata-schema.ts";
import { anything, flag, integer, optionalText, requiredText, text, texts, time } from "./schema.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const quantities: Schema = { type: "map", values: { type: "quantity" } };

const taint: ObjectSchema = {
  type: "object",
  fields: { key: requiredText, value: text, effect: requiredText, timeAdded: optionalText },
};

const condition: ObjectSchema = {
  type: "object",
  fields: {
    type: requiredText,
    status: requiredText,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
    reason: text,
    message: text,
  },
};

const address: ObjectSchema = { type: "object", fields: { type: requiredText, address: requiredText } };

const image: ObjectSchema = { type: "object", fields: { names: texts, sizeBytes: integer } };

const nodeInfo: ObjectSchema = {
  type: "object",
  presence: "always",
  fields: {
    machineID: requiredText,
    systemUUID: requiredText,
    bootID: requiredText,
    kernelVersion: requiredText,
    osImage: requiredText,
    containerRuntimeVersion: requiredText,
    kubeletVersion: requiredText,
    kubeProxyVersion: requiredText,
    operatingSystem: requiredText,
    architecture: requiredText,
    swap: anything,
  },
};

const daemonEndpoints: ObjectSchema = {
  type: "object",
  presence: "always",
  fields: {
    kubeletEndpoint: {
      type: "object",
      presence: "always",
      fields: { Port: { type: "integer", presence: "always" } },
    },
  },
};

export const nodeSchema: ObjectSchema = kindSchema({
  spec: {
    type: "object",
    presence: "always",
    fields: {
      podCIDR: text,
      podCIDRs: { type: "list", items: requiredText, merge: "set" },
      providerID: text,
      unschedulable: flag,
      // Atomic in the Go type: a strategic merge patch replaces all taints, and kubectl sends them all.
      taints: { type: "list", items: taint },
      configSource: anything,
      externalID: text,
    },
  },
  status: {
    type: "object",
    presence: "always",
    fields: {
      capacity: quantities,
      allocatable: quantities,
      phase: text,
      conditions: { type: "list", items: condition, merge: { key: "type" } },
      addresses: { type: "list", items: address, merge: { key: "type" } },
      daemonEndpoints,
      nodeInfo,
      images: { type: "list", items: image },
      volumesInUse: texts,
      volumesAttached: { type: "list", items: anything },
      config: anything,
      runtimeHandlers: { type: "list", items: anything },
      features: anything,
      declaredFeatures: texts,
    },
  },
});
