/**
 * client-node 2.0.1 makes a new HTTP dispatcher, hence a new TLS connection, for every call (facts/style.md 0.2:
 * 300 calls = 300 connections). Here one dispatcher is kept for as long as the TLS settings stay the same; a changed
 * CA file or client certificate gets a new one.
 */
import { createHash } from "node:crypto";
import { KubeConfig, RequestContext, type DispatcherOptions, type HttpMethod } from "@kubernetes/client-node";

type Dispatcher = Parameters<RequestContext["setDispatcher"]>[0];

export class PoolingKubeConfig extends KubeConfig {
  #wanted = "";
  #kept: { readonly fingerprint: string; readonly dispatcher: Dispatcher } | undefined;

  /** client-node calls this for every request, right before it makes the dispatcher that `keep` then sees. */
  override createDispatcherOptions(
    ...settings: Parameters<KubeConfig["createDispatcherOptions"]>
  ): DispatcherOptions {
    const options = super.createDispatcherOptions(...settings);
    // A digest, so that no private key lingers here in the clear.
    this.#wanted = createHash("sha256").update(JSON.stringify(options)).digest("hex");
    return options;
  }

  /** The dispatcher to use instead of `fresh`, which has not opened anything yet. */
  keep(fresh: Dispatcher): Dispatcher {
    if (this.#kept?.fingerprint === this.#wanted) return this.#kept.dispatcher;
    const outdated = this.#kept?.dispatcher;
    this.#kept = { fingerprint: this.#wanted, dispatcher: fresh };
    // Requests under way on the old one may finish.
    if (outdated !== undefined) closeQuietly(outdated);
    return fresh;
  }

  /** Closes the kept connections; a later call opens new ones. */
  async close(): Promise<void> {
    const kept = this.#kept?.dispatcher;
    this.#kept = undefined;
    await kept?.destroy();
  }
}

/** A request that takes its dispatcher from the pool. */
export class PooledRequest extends RequestContext {
  readonly #pool: PoolingKubeConfig;

  constructor(url: string, method: HttpMethod, pool: PoolingKubeConfig) {
    super(url, method);
    this.#pool = pool;
  }

  override setDispatcher(fresh: Dispatcher): void {
    super.setDispatcher(this.#pool.keep(fresh));
  }
}

function closeQuietly(dispatcher: Dispatcher): void {
  // Closing waits for its requests; those report their own failures.
  dispatcher.close().catch(() => {});
}
