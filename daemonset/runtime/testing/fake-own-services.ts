/** containerd's own services, as far as they tell of sandboxes: which ids each of them lists, and faults on demand. */
import { status } from "@grpc/grpc-js";
import { encodeMessage } from "../wire/encode.ts";
import { Refusal, type GrpcHandler, type GrpcStreamHandler } from "./grpc-server.ts";

export interface FakeOwnServices {
  /** Ids that Containers lists: with 1.6 and 1.7 also of a sandbox in whose CNI ADD it is. */
  readonly containers: Set<string>;
  /** Ids of the sandbox store; containerd 2.x has one that is not empty, 1.6 none. */
  readonly sandboxes: Set<string>;
  readonly leases: Set<string>;
  /** What came with each call: method, namespace, and the filters of a Containers/ListStream. */
  readonly calls: { readonly method: string; readonly namespace: string; readonly request: Buffer }[];
  /** Instead of a list: bytes for a message, or an error to refuse with. */
  readonly faults: Map<OwnMethod, Buffer | Error>;
  readonly unary: Readonly<Record<string, GrpcHandler>>;
  readonly streams: Readonly<Record<string, GrpcStreamHandler>>;
}

export const ownMethods = {
  containers: "/containerd.services.containers.v1.Containers/ListStream",
  sandboxes: "/containerd.services.sandbox.v1.Store/List",
  leases: "/containerd.services.leases.v1.Leases/List",
} as const;
export type OwnMethod = keyof typeof ownMethods;

/** @param without services that this version does not have. */
export function makeOwnServices(without: readonly OwnMethod[] = []): FakeOwnServices {
  const containers = new Set<string>();
  const sandboxes = new Set<string>();
  const leases = new Set<string>();
  const calls: FakeOwnServices["calls"] = [];
  const faults: FakeOwnServices["faults"] = new Map();

  function enter(
    service: OwnMethod,
    request: Buffer,
    metadata: ReadonlyMap<string, string>,
  ): Buffer | undefined {
    const namespace = metadata.get("containerd-namespace") ?? "";
    calls.push({ method: ownMethods[service], namespace, request });
    const fault = faults.get(service);
    if (fault instanceof Error) throw fault;
    if (namespace === "") throw new Refusal(status.FAILED_PRECONDITION, "namespace is required");
    return fault;
  }
  const listOf =
    (service: OwnMethod, ids: ReadonlySet<string>): GrpcHandler =>
    async (request, metadata) =>
      enter(service, request, metadata) ?? encodeMessage([...ids].map((id) => [1, encodeMessage([[1, id]])]));

  const has = (service: OwnMethod): boolean => !without.includes(service);
  return {
    containers,
    sandboxes,
    leases,
    calls,
    faults,
    unary: {
      ...(has("sandboxes") ? { [ownMethods.sandboxes]: listOf("sandboxes", sandboxes) } : {}),
      ...(has("leases") ? { [ownMethods.leases]: listOf("leases", leases) } : {}),
    },
    streams: has("containers")
      ? {
          [ownMethods.containers]: async function* (request, metadata) {
            const fault = enter("containers", request, metadata);
            if (fault !== undefined) yield fault;
            // With what comes after the id in a true one.
            for (const id of containers)
              yield encodeMessage([
                [
                  1,
                  encodeMessage([
                    [1, id],
                    [3, "image"],
                  ]),
                ],
              ]);
          },
        }
      : {},
  };
}
