/** kured's drain, which is that of kubectl with --force, --ignore-daemonsets and --delete-emptydir-data. */
import { setTimeout as delay } from "node:timers/promises";
import { ApiFailure, fieldsOf, type Fields, type Requests } from "./requests.ts";

const MIRROR = "kubernetes.io/config.mirror";
/** Between two tries against a disruption budget: client-go's own limit, as kured sets no delay (kured-observed.md 2). */
const AGAIN_MILLIS = 150;
/** Between two looks whether a pod is gone: a second in kubectl. */
const LOOK_MILLIS = 250;

/** @throws ApiFailure or Error saying which pod stays. */
export async function evictAll(
  requests: Requests,
  node: string,
  timeoutMillis: number,
  signal: AbortSignal,
): Promise<void> {
  const timeout = timeoutMillis === 0 ? undefined : AbortSignal.timeout(timeoutMillis);
  const ends = timeout === undefined ? signal : AbortSignal.any([signal, timeout]);
  const leaving = (await requests.podsOn(node)).filter(mustBeEvicted);
  try {
    await Promise.all(leaving.map(async (pod) => evict(requests, pod, ends)));
  } catch (thrown) {
    signal.throwIfAborted();
    if (timeout?.aborted !== true) throw thrown;
    throw new Error(`error when evicting pods: global timeout reached: ${timeoutMillis} ms`, {
      cause: thrown,
    });
  }
}

function mustBeEvicted(pod: Fields): boolean {
  const metadata = fieldsOf(pod["metadata"]);
  if (Object.hasOwn(fieldsOf(metadata["annotations"]), MIRROR)) return false;
  const owners = metadata["ownerReferences"];
  const isDaemon = (owner: unknown): boolean => {
    const { controller, kind } = fieldsOf(owner);
    return controller === true && kind === "DaemonSet";
  };
  return !(Array.isArray(owners) && owners.some(isDaemon));
}

async function evict(requests: Requests, pod: Fields, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = fieldsOf(pod["metadata"]);
  const path = `/api/v1/namespaces/${String(namespace)}/pods/${String(name)}`;
  const body = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: {},
  };
  for (;;) {
    signal.throwIfAborted();
    const status = await statusOf(requests.call({ method: "POST", path: `${path}/eviction`, body }));
    if (status === 404) return;
    if (status !== 429) break;
    await delay(AGAIN_MILLIS, undefined, { signal });
  }
  for (;;) {
    signal.throwIfAborted();
    const left = await found(requests.call({ method: "GET", path }));
    if (left === undefined || fieldsOf(left["metadata"])["uid"] !== uid) return;
    await delay(LOOK_MILLIS, undefined, { signal });
  }
}

/** Of a request that may be answered by 404 and 429 too. */
async function statusOf(call: Promise<Fields>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (thrown) {
    if (thrown instanceof ApiFailure && (thrown.status === 404 || thrown.status === 429))
      return thrown.status;
    throw thrown;
  }
}

async function found(call: Promise<Fields>): Promise<Fields | undefined> {
  try {
    return await call;
  } catch (thrown) {
    if (thrown instanceof ApiFailure && thrown.status === 404) return undefined;
    throw thrown;
  }
}
