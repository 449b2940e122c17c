/**
 * One life of a stand-in for kured: it sends what kured sends, in kured's order, and dies where kured dies
 * (facts/kured-observed.md 1 and 2, run; facts/reboot-locks.md 1.4, read). After the drain it never looks again.
 */
import type { Time } from "../../daemonset/host/time.ts";
import { commandWords } from "./command-words.ts";
import { DaemonSetLock } from "./daemonset-lock.ts";
import { evictAll } from "./drain.ts";
import type { Acquired } from "./lock-value.ts";
import type { KuredOptions } from "./options.ts";
import { fieldsOf, Requests, type KuredNode, type Send, type Sent } from "./requests.ts";

export const IN_PROGRESS = "weave.works/kured-reboot-in-progress";
export const MOST_RECENT = "weave.works/kured-most-recent-reboot-needed";

export interface KuredHost {
  /** Whether /var/run/reboot-required is there. */
  readonly needsReboot: () => Promise<boolean>;
  /** Runs a program in the host's mount namespace. */
  readonly run: (words: readonly string[], signal: AbortSignal) => Promise<HostResult>;
}

export interface HostResult {
  readonly code: number | null;
  readonly out: string;
}

export interface KuredParts {
  readonly send: Send;
  readonly host: KuredHost;
  readonly time: Time;
  readonly onSent: (sent: Sent) => void;
  readonly log: (line: string) => void;
}

export type KuredEnd =
  { readonly kind: "killed" } | { readonly kind: "exited"; readonly code: number; readonly message: string };

const alreadyHeld: Acquired = { kind: "held", value: undefined };

/** kured's log.Fatalf. */
class Fatal extends Error {}

/** Ends when the signal aborts, as by SIGKILL, or when kured would have exited. */
export async function runKured(
  options: KuredOptions,
  parts: KuredParts,
  signal: AbortSignal,
): Promise<KuredEnd> {
  try {
    const life = new Life(options, parts, signal);
    await life.cleanUp();
    await life.work();
    return { kind: "killed" };
  } catch (thrown) {
    if (signal.aborted) return { kind: "killed" };
    if (!(thrown instanceof Fatal)) throw thrown;
    parts.log(`fatal: ${thrown.message}`);
    return { kind: "exited", code: 1, message: thrown.message };
  }
}

class Life {
  readonly #options: KuredOptions;
  readonly #parts: KuredParts;
  readonly #signal: AbortSignal;
  readonly #requests: Requests;
  readonly #lock: DaemonSetLock;

  constructor(options: KuredOptions, parts: KuredParts, signal: AbortSignal) {
    this.#options = options;
    this.#parts = parts;
    this.#signal = signal;
    this.#requests = new Requests(parts.send, signal, parts.onSent);
    this.#lock = new DaemonSetLock(this.#requests, options, signal);
  }

  /** What holds a lock at the start has tried to reboot, says kured: whether it did is not asked. */
  async cleanUp(): Promise<void> {
    const { node, startMillis, annotateNodes } = this.#options;
    for (;;) {
      await this.#sleep(startMillis);
      const hold = await this.#tried("Error testing lock", async () => this.#lock.holding());
      if (hold.kind === "failed") continue;
      if (hold.value === undefined) return;
      const read = await this.#tried("Error retrieving node object via k8s API", async () =>
        this.#requests.getNode(node),
      );
      if (read.kind === "failed") continue;
      if (!hold.value.metadata.unschedulable) await this.#uncordon(read.value);
      const annotations = fieldsOf(fieldsOf(read.value.object["metadata"])["annotations"]);
      if (
        annotateNodes &&
        !(await this.#parts.host.needsReboot()) &&
        Object.hasOwn(annotations, IN_PROGRESS)
      ) {
        await this.#requests.removeAnnotation(node, IN_PROGRESS);
      }
      const released = await this.#tried("Error releasing lock, will retry", async () =>
        this.#lock.release(),
      );
      if (released.kind === "ok") return;
    }
  }

  /** Ends only with the signal or a Fatal. */
  async work(): Promise<never> {
    const { node, periodMillis, forceReboot, rebootDelayMillis } = this.#options;
    for (;;) {
      await this.#sleep(periodMillis);
      if (!(await this.#parts.host.needsReboot())) {
        this.#log("Reboot not required");
        continue;
      }
      this.#log("Reboot required");
      const read = await this.#tried("Error retrieving node object via k8s API", async () =>
        this.#requests.getNode(node),
      );
      if (read.kind === "failed") throw new Fatal(read.message);
      if (!(await this.#annotated(read.value))) continue;
      // It looks first whether it holds it, and reads again as it takes it.
      const hold = await this.#tried("Error testing lock", async () => this.#lock.holding());
      const acquired = await this.#tried("Error acquiring lock", async () =>
        hold.kind === "ok" && hold.value !== undefined
          ? alreadyHeld
          : this.#lock.acquire(read.value.unschedulable),
      );
      if (acquired.kind === "failed") continue;
      if (acquired.value.kind === "full") {
        this.#log(`Lock already held: ${acquired.value.holders.join(", ")}`);
        continue;
      }
      const drained = await this.#drained(read.value);
      if (!drained && !forceReboot) continue;
      if (rebootDelayMillis > 0) {
        this.#log(`Delaying reboot for ${rebootDelayMillis} ms`);
        await this.#sleep(rebootDelayMillis);
      }
      await this.#reboot();
    }
  }

  async #annotated(node: KuredNode): Promise<boolean> {
    const annotations = fieldsOf(fieldsOf(node.object["metadata"])["annotations"]);
    if (!this.#options.annotateNodes || Object.hasOwn(annotations, IN_PROGRESS)) return true;
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    // Onto a node read anew; the drain goes on with the one that was read before.
    const done = await this.#tried("Error adding node annotations", async () => {
      const fresh = await this.#requests.getNode(this.#options.node);
      await this.#requests.annotate(fresh, { [IN_PROGRESS]: now, [MOST_RECENT]: now });
    });
    return done.kind === "ok";
  }

  /** False: it has failed, and unless the reboot is forced everything is given up again, the lock first. */
  async #drained(node: KuredNode): Promise<boolean> {
    const { forceReboot } = this.#options;
    const done = await this.#tried(`Unable to cordon or drain ${this.#options.node}`, async () =>
      this.#drain(node),
    );
    if (done.kind === "ok") return true;
    if (forceReboot) return false;
    await this.#tried("Error in best-effort releasing lock", async () => this.#lock.release());
    this.#log("Performing a best-effort uncordon after failed cordon and drain");
    await this.#uncordon(node);
    return false;
  }

  async #drain(node: KuredNode): Promise<void> {
    const { node: name, preRebootNodeLabels, drainTimeoutMillis } = this.#options;
    await this.#relabel(preRebootNodeLabels);
    // kubectl's helper sends nothing for a node that is as wanted in the object that it holds.
    if (!node.unschedulable) {
      await this.#requests.cordon(name, true);
      node.unschedulable = true;
    }
    this.#log("Draining");
    await evictAll(this.#requests, name, drainTimeoutMillis, this.#signal);
  }

  /** @throws Fatal if it is refused: kured exits. */
  async #uncordon(node: KuredNode): Promise<void> {
    if (node.unschedulable) {
      const done = await this.#tried(`Error uncordonning ${this.#options.node}: cordon error`, async () =>
        this.#requests.cordon(this.#options.node, false),
      );
      if (done.kind === "failed") throw new Fatal(done.message);
      node.unschedulable = false;
      this.#log("Uncordoned");
    }
    await this.#relabel(this.#options.postRebootNodeLabels);
  }

  async #relabel(labels: Readonly<Record<string, string>>): Promise<void> {
    if (Object.keys(labels).length === 0) return;
    await this.#tried("Error updating node labels", async () =>
      this.#requests.label(this.#options.node, labels),
    );
  }

  async #reboot(): Promise<never> {
    const words = commandWords(this.#options.rebootCommand);
    this.#log("Triggering reboot");
    const { code, out } = await this.#parts.host.run(words, this.#signal);
    this.#signal.throwIfAborted();
    if (code !== 0) {
      const why = `error invoking reboot command [${words.join(" ")}]: exit status ${String(code)}`;
      throw new Fatal(`Unable to reboot node: ${why} (${out})`);
    }
    for (;;) {
      this.#log("Waiting for reboot");
      await this.#sleep(60_000);
    }
  }

  async #tried<T>(what: string, act: () => Promise<T>): Promise<Tried<T>> {
    try {
      return { kind: "ok", value: await act() };
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const message = `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      this.#log(message);
      return { kind: "failed", message };
    }
  }

  #log(line: string): void {
    this.#parts.log(line);
  }

  async #sleep(millis: number): Promise<void> {
    await this.#parts.time.sleep(millis, this.#signal);
    this.#signal.throwIfAborted();
  }
}

type Tried<T> =
  { readonly kind: "ok"; readonly value: T } | { readonly kind: "failed"; readonly message: string };
