/** AdmissionReviews as an API server sends them, for tests. */

/** Any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const NODE: Json = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: "n1",
    uid: "6f2b1c9e-6a0e-4ab6-9a0b-000000000001",
    resourceVersion: "4711",
    labels: { "kubernetes.io/hostname": "n1" },
    annotations: {
      "nodelatch.io/reboot-lock": '{"holder":"system:serviceaccount:kube-system:kured","reason":"kernel"}',
      "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    },
  },
  spec: { podCIDR: "10.244.0.0/24", unschedulable: true },
  status: { nodeInfo: { bootID: "b1d3e9c1-0000-4000-8000-000000000001" } },
};

/** The `request` of `kubectl uncordon n1`; `change` replaces fields, `undefined` takes them out. */
export function requestWith(change: Record<string, Json | undefined> = {}): Record<string, Json | undefined> {
  return {
    uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
    kind: { group: "", version: "v1", kind: "Node" },
    resource: { group: "", version: "v1", resource: "nodes" },
    requestKind: { group: "", version: "v1", kind: "Node" },
    requestResource: { group: "", version: "v1", resource: "nodes" },
    name: "n1",
    operation: "UPDATE",
    userInfo: {
      username: "bob",
      groups: ["ops", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=0f"] },
    },
    object: { ...asRecord(NODE), spec: { podCIDR: "10.244.0.0/24" } },
    oldObject: NODE,
    dryRun: false,
    options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "kubectl-patch" },
    ...change,
  };
}

/** The whole body; fields of the review itself are replaced by `outer`. */
export function reviewBody(
  change: Record<string, Json | undefined> = {},
  outer: Record<string, Json | undefined> = {},
): string {
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: requestWith(change),
    ...outer,
  });
}

function asRecord(value: Json): { readonly [key: string]: Json } {
  if (typeof value === "object" && value !== null && !("length" in value)) return value;
  throw new TypeError("expected an object");
}
