/** Do the holders of locks still exist? Asked of the API server for ServiceAccounts; people can't be looked up. */
import type { HolderFact } from "../../lock/ghost.ts";
import type { LockRecord } from "../../lock/record.ts";
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { objectAt, textAt } from "../../kube/json.ts";
import { listAll } from "../lists.ts";

/** What a watch that looks every 2 seconds may be behind by. */
const FRESH_MILLIS = 30_000;
/** So many accounts are looked up; a cluster has a handful of reboot tools. */
const MOST_ACCOUNTS = 20;

/** What is known of one ServiceAccount; undefined: could not be asked, e.g. for want of rights. */
interface AccountFact {
  readonly exists: boolean | undefined;
  /** Nodes with a pod of it that is not finished. */
  readonly nodes: ReadonlySet<string> | undefined;
}

export type HolderOf = (record: LockRecord) => HolderFact;

/**
 * Looks up the holders of some locks, each account at most every 30 s.
 * RBAC: `list` on serviceaccounts and pods; whoever may not learns nothing, and nothing is held against the lock.
 */
export class Holders {
  readonly #kube: KubeConnection;
  readonly #monotonicMillis: () => number;
  readonly #known = new Map<string, { readonly atMillis: number; readonly fact: AccountFact }>();

  constructor(kube: KubeConnection, monotonicMillis: () => number) {
    this.#kube = kube;
    this.#monotonicMillis = monotonicMillis;
  }

  /** Never rejects, except where the caller gave up. */
  async of(records: readonly LockRecord[], signal: AbortSignal): Promise<HolderOf> {
    const names = [...new Set(records.map(({ holder }) => holder))];
    const accounts = names.filter((name) => accountIn(name) !== undefined).slice(0, MOST_ACCOUNTS);
    await Promise.all(accounts.map(async (name) => this.#renew(name, signal)));
    signal.throwIfAborted();
    return (record) => holderFact(record, this.#known.get(record.holder)?.fact);
  }

  async #renew(name: string, signal: AbortSignal): Promise<void> {
    const known = this.#known.get(name);
    const atMillis = this.#monotonicMillis();
    if (known !== undefined && atMillis - known.atMillis < FRESH_MILLIS) return;
    const account = accountIn(name);
    if (account === undefined) return;
    const [exists, nodes] = await Promise.all([
      quietly(async () => accountExists(this.#kube, account, signal)),
      quietly(async () => nodesWithPods(this.#kube, account, signal)),
    ]);
    this.#known.set(name, { atMillis, fact: { exists, nodes } });
  }
}

/** Pure. */
export function holderFact(record: LockRecord, account: AccountFact | undefined): HolderFact {
  if (account?.exists === false) return "account-gone";
  const { holderNode } = record;
  if (holderNode !== undefined && account?.nodes?.has(holderNode) === false) return "pod-gone";
  return account?.exists === true ? "there" : "unknown";
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** `system:serviceaccount:NAMESPACE:NAME`; undefined for everybody else. */
export function accountIn(username: string): Account | undefined {
  const found = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  return found === null ? undefined : { namespace: found[1] ?? "", name: found[2] ?? "" };
}

/** By a list: it is empty where the namespace is gone as well, and a server that knows no such resource says 404. */
async function accountExists(kube: KubeConnection, account: Account, signal: AbortSignal): Promise<boolean> {
  const { namespace, name } = account;
  const found = await listAll(kube, {
    doing: `look for ServiceAccount ${namespace}/${name}`,
    path: apiPath("api", "v1", "namespaces", namespace, "serviceaccounts"),
    kind: "ServiceAccountList",
    query: { fieldSelector: `metadata.name=${name}` },
    signal,
  });
  return found.some((one) => textAt(objectAt(one, "metadata"), "name") === name);
}

async function nodesWithPods(
  kube: KubeConnection,
  { namespace, name }: Account,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const pods = await listAll(kube, {
    doing: `list the pods of ServiceAccount ${namespace}/${name}`,
    path: apiPath("api", "v1", "namespaces", namespace, "pods"),
    kind: "PodList",
    query: { fieldSelector: `spec.serviceAccountName=${name}` },
    signal,
  });
  const at = pods
    .filter((pod) => !["Succeeded", "Failed"].includes(textAt(objectAt(pod, "status"), "phase") ?? ""))
    .map((pod) => textAt(objectAt(pod, "spec"), "nodeName") ?? "");
  return new Set(at);
}

async function quietly<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
