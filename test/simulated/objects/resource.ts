/** The resources this server has, each described once; discovery, OpenAPI, paths and storage all read this. */
import {
  eventSchema,
  leaseSchema,
  mutatingWebhookSchema,
  namespaceSchema,
  secretSchema,
  validatingWebhookSchema,
} from "./kind-schemas.ts";
import { kindSchema } from "./metadata-schema.ts";
import { nodeSchema } from "./node-schema.ts";
import { anything } from "./schema.ts";
import type { ObjectSchema } from "./schema.ts";
import type { ErrorSubject } from "./status.ts";

export interface Resource {
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths and rules. */
  readonly name: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Has the /status subresource. */
  readonly status: boolean;
  readonly schema: ObjectSchema;
  /** False where the lists' merge rules are not described here: such a patch is refused, never half done. */
  readonly strategicMerge: boolean;
  /** PUT without resourceVersion overwrites, instead of being refused. */
  readonly unconditionalUpdate: boolean;
  /** PUT of a missing object creates it. */
  readonly createOnUpdate: boolean;
  /** metadata.generation counts changes of what the object says. */
  readonly generation: boolean;
  /** POST only answers a question; nothing is stored (access reviews). */
  readonly virtual: boolean;
}

type Differences = Partial<Resource> & Pick<Resource, "name" | "singular" | "kind">;

export const ALL_VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const;

function stored(differences: Differences): Resource {
  return {
    group: "",
    version: "v1",
    shortNames: [],
    namespaced: false,
    verbs: ALL_VERBS,
    status: false,
    schema: kindSchema({ spec: anything, status: anything }),
    strategicMerge: true,
    unconditionalUpdate: true,
    createOnUpdate: false,
    generation: false,
    virtual: false,
    ...differences,
  };
}

function question(group: string, name: string, kind: string, namespaced = false): Resource {
  const singular = kind.toLowerCase();
  const verbs = ["create"];
  return stored({ group, name, singular, kind, namespaced, verbs, virtual: true, strategicMerge: false });
}

const ADMISSION_GROUP = "admissionregistration.k8s.io";
export const AUTHORIZATION_GROUP = "authorization.k8s.io";
export const AUTHENTICATION_GROUP = "authentication.k8s.io";

export const nodes = stored({
  name: "nodes",
  singular: "node",
  kind: "Node",
  shortNames: ["no"],
  status: true,
  schema: nodeSchema,
});
export const events = stored({
  name: "events",
  singular: "event",
  kind: "Event",
  shortNames: ["ev"],
  namespaced: true,
  schema: eventSchema,
  createOnUpdate: true,
});
export const secrets = stored({
  name: "secrets",
  singular: "secret",
  kind: "Secret",
  namespaced: true,
  schema: secretSchema,
});
export const namespaces = stored({
  name: "namespaces",
  singular: "namespace",
  kind: "Namespace",
  shortNames: ["ns"],
  schema: namespaceSchema,
  // Deleting one would have to empty it, which the real server leaves to a controller that is not here.
  verbs: ALL_VERBS.filter((verb) => !verb.startsWith("delete")),
});
/** Enough to be listed, described and evicted from by hand: no defaults, no kubelet. */
export const pods = stored({
  name: "pods",
  singular: "pod",
  kind: "Pod",
  shortNames: ["po"],
  namespaced: true,
  status: true,
  strategicMerge: false,
});
export const leases = stored({
  group: "coordination.k8s.io",
  name: "leases",
  singular: "lease",
  kind: "Lease",
  namespaced: true,
  schema: leaseSchema,
  createOnUpdate: true,
  unconditionalUpdate: false,
});
export const validatingWebhooks = stored({
  group: ADMISSION_GROUP,
  name: "validatingwebhookconfigurations",
  singular: "validatingwebhookconfiguration",
  kind: "ValidatingWebhookConfiguration",
  schema: validatingWebhookSchema,
  generation: true,
  unconditionalUpdate: false,
});
export const mutatingWebhooks = stored({
  group: ADMISSION_GROUP,
  name: "mutatingwebhookconfigurations",
  singular: "mutatingwebhookconfiguration",
  kind: "MutatingWebhookConfiguration",
  schema: mutatingWebhookSchema,
  generation: true,
  unconditionalUpdate: false,
});

export const resources: readonly Resource[] = [
  nodes,
  events,
  secrets,
  namespaces,
  pods,
  leases,
  validatingWebhooks,
  mutatingWebhooks,
  question(AUTHORIZATION_GROUP, "subjectaccessreviews", "SubjectAccessReview"),
  question(AUTHORIZATION_GROUP, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
  question(AUTHORIZATION_GROUP, "localsubjectaccessreviews", "LocalSubjectAccessReview", true),
  question(AUTHENTICATION_GROUP, "selfsubjectreviews", "SelfSubjectReview"),
];

export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** How errors name an object of this resource. */
export function subjectOf(resource: Resource, name = ""): ErrorSubject {
  return { group: resource.group, kind: resource.name, name };
}

/** How validation errors name it: by kind. */
export function kindSubjectOf(resource: Resource, name: string): ErrorSubject {
  return { group: resource.group, kind: resource.kind, name };
}
