/**
 * What containerd's own services know of sandboxes, on the same socket as its CRI, which hides a sandbox until its
 * network is made. No service alone sees all: 1.6 and 1.7 have the starting sandbox among their containers, 2.x in its
 * sandbox store and its leases (facts/node-observed.md 2).
 */
import { GrpcFailure, kindOfFailure } from "../../runtime/grpc-failure.ts";
import type { GrpcConnection } from "../../runtime/grpc.ts";
import { encodeMessage } from "../../runtime/wire/encode.ts";
import { Message } from "../../runtime/wire/message.ts";
import { NonsenseError } from "../../runtime/wire/nonsense.ts";

const CONTAINERS = "/containerd.services.containers.v1.Containers/ListStream";
const SANDBOXES = "/containerd.services.sandbox.v1.Store/List";
const LEASES = "/containerd.services.leases.v1.Leases/List";

/** A container comes with its whole OCI specification: sandboxes alone, and one at a time, keep the answer small. */
const ONLY_SANDBOXES = encodeMessage([[1, 'labels."io.cri-containerd.kind"==sandbox']]);
const NOTHING = Buffer.alloc(0);
/** As for CRI's lists. */
const DEADLINE_MILLIS = 10_000;

/**
 * Ids of every service that is there; a runtime that is no containerd has none.
 * @throws Error naming the service, if one that is there does not give its whole list.
 */
export async function askOwnServices(
  connection: GrpcConnection,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const add = (of: string, message: Message): void => {
    const id = message.string(1);
    if (id === "") throw new NonsenseError(`${of}: no id`);
    ids.add(id);
  };
  const call = (method: string, request: Uint8Array) => ({
    method,
    request,
    // The namespace of CRI's plugin, whatever runs it.
    metadata: { "containerd-namespace": "k8s.io" },
    deadlineMillis: DEADLINE_MILLIS,
    signal,
  });
  const list = async (method: string, of: string): Promise<void> => {
    const answer = await connection.call(call(method, NOTHING));
    for (const message of new Message(of, answer).messages(1)) add(of, message);
  };
  await Promise.all([
    ifThere(CONTAINERS, async () => {
      await connection.stream(call(CONTAINERS, ONLY_SANDBOXES), (bytes) => {
        const container = new Message("ListContainerMessage", bytes).message(1);
        if (container === undefined) throw new NonsenseError("ListContainerMessage: no container");
        add("ListContainerMessage", container);
      });
    }),
    ifThere(SANDBOXES, async () => list(SANDBOXES, "StoreListResponse")),
    ifThere(LEASES, async () => list(LEASES, "ListLeasesResponse")),
  ]);
  return ids;
}

/** Nothing if the other end has no such service; every other failure leaves open what it would have listed. */
async function ifThere(method: string, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (cause) {
    if (cause instanceof GrpcFailure && kindOfFailure(cause) === "unimplemented") return;
    throw new Error(method.slice(1), { cause });
  }
}
