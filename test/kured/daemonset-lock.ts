/** kured's own lock: GET and PUT of its DaemonSet, again on a conflict. */
import { setTimeout as delay } from "node:timers/promises";
import { acquireIn, holdsIn, KURED_LOCK, releaseIn, type Acquired, type KuredHold } from "./lock-value.ts";
import type { KuredOptions } from "./options.ts";
import { ApiFailure, fieldsOf, type Fields, type Requests } from "./requests.ts";

/** kured waits a second; its tests have less time. */
const CONFLICT_MILLIS = 100;

export class DaemonSetLock {
  readonly #requests: Requests;
  readonly #options: KuredOptions;
  readonly #signal: AbortSignal;

  constructor(requests: Requests, options: KuredOptions, signal: AbortSignal) {
    this.#requests = requests;
    this.#options = options;
    this.#signal = signal;
  }

  /** This node's hold, if it has one. */
  async holding(): Promise<KuredHold | undefined> {
    const { node, concurrency } = this.#options;
    const held = holdsIn(lockOf(await this.#read()), concurrency);
    return held.find(({ nodeID }) => nodeID === node);
  }

  async acquire(unschedulable: boolean): Promise<Acquired> {
    const { node, concurrency } = this.#options;
    const created = `${new Date().toISOString().slice(0, 19)}Z`;
    for (;;) {
      const object = await this.#read();
      const mine = { nodeID: node, metadata: { unschedulable }, created, TTL: 0 };
      const acquired = acquireIn(lockOf(object), mine, concurrency);
      if (acquired.kind === "full" || acquired.value === undefined) return acquired;
      if (await this.#write(object, acquired.value)) return acquired;
    }
  }

  /** @throws Error if this node does not hold it. */
  async release(): Promise<void> {
    const { node, concurrency } = this.#options;
    for (;;) {
      const object = await this.#read();
      const released = releaseIn(lockOf(object), node, concurrency);
      if (released.kind === "not held") throw new Error("lock not held");
      if (await this.#write(object, released.value)) return;
    }
  }

  #path(): string {
    return `/apis/apps/v1/namespaces/${this.#options.dsNamespace}/daemonsets/${this.#options.dsName}`;
  }

  async #read(): Promise<Fields> {
    return this.#requests.call({ method: "GET", path: this.#path() });
  }

  /** False after a conflict: somebody else was quicker. */
  async #write(object: Fields, value: string | null): Promise<boolean> {
    const metadata = fieldsOf(object["metadata"]);
    const { [KURED_LOCK]: _, ...others } = fieldsOf(metadata["annotations"]);
    const annotations = value === null ? others : { ...others, [KURED_LOCK]: value };
    const body = { ...object, metadata: { ...metadata, annotations } };
    try {
      await this.#requests.call({ method: "PUT", path: this.#path(), body });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure) || thrown.status !== 409) throw thrown;
      await delay(CONFLICT_MILLIS, undefined, { signal: this.#signal });
      return false;
    }
  }
}

function lockOf(object: Fields): string | undefined {
  const value = fieldsOf(fieldsOf(object["metadata"])["annotations"])[KURED_LOCK];
  return typeof value === "string" ? value : undefined;
}
