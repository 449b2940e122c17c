/**
 * A reboot tool that is one controller: for each node that it has to reboot it looks at what is there and does what is
 * missing, so that it may be killed anywhere and begin anew.
 */
import { objectAt, textsAt } from "../../kube/json.ts";
import type { Tool } from "../../lock/tool.ts";
import type { Machine } from "./machine.ts";
import { MARK } from "./tools.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Send } from "./wire.ts";

export interface Job {
  readonly machine: Machine;
  readonly dice: () => number;
  /** As the controller's pod, wherever it is now. */
  readonly send: Send;
  readonly onDone: () => void;
  /** How often the gate has said no in a row. */
  refusals?: number;
}

const RETRY_MILLIS = 5_000;
const RESTART_MILLIS = 10_000;
const MOST_REFUSALS = 8;

export class ControllerTool {
  readonly #tool: Tool;
  readonly #time: VirtualTime;
  readonly #jobs = new Set<Job>();
  #life = new AbortController();
  crashes = 0;

  constructor(tool: Tool, time: VirtualTime) {
    this.#tool = tool;
    this.#time = time;
  }

  take(job: Job): void {
    this.#jobs.add(job);
    void this.#work(job, this.#life.signal);
  }

  /** Killed, and started again by its kubelet; what it had in memory is gone. */
  crash(): void {
    this.crashes += 1;
    this.#life.abort(new Error("killed"));
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.#time.after(RESTART_MILLIS, () => {
      for (const job of this.#jobs) void this.#work(job, signal);
    });
  }

  async #work(job: Job, signal: AbortSignal): Promise<void> {
    const { dice } = job;
    while (!signal.aborted) {
      let isDone = false;
      try {
        isDone = await this.#step(job, signal);
      } catch {
        // The API server is away, or an answer got lost: look again.
      }
      if (signal.aborted) return;
      if (isDone) {
        this.#jobs.delete(job);
        job.onDone();
        return;
      }
      // While the machine is down there is nothing to do but wait.
      await this.#time.sleep(RETRY_MILLIS * (0.5 + dice()), signal);
    }
  }

  /** One look at the node, and what follows from it. True once nothing is left to do. */
  async #step(job: Job, signal: AbortSignal): Promise<boolean> {
    const { machine, send, dice } = job;
    const path = `/api/v1/nodes/${machine.name}`;
    const { status, body } = await send({ method: "GET", path });
    if (status !== 200 || signal.aborted) return false;
    const isCordoned = objectAt(body, "spec")?.["unschedulable"] === true;
    const annotations = textsAt(objectAt(body, "metadata"), "annotations");
    const [isMarked, isLocked] = [annotations.has(MARK), annotations.has("nodelatch.io/reboot-lock")];
    const patch = async (change: object): Promise<number> => {
      const contentType = "application/strategic-merge-patch+json";
      return (await send({ method: "PATCH", path, contentType, body: change })).status;
    };
    const isRebooted = !machine.wantedBy.has(this.#tool.username);
    if (this.#tool.lockOn.kind === "cordon") {
      // Whatever is cordoned by others goes back to them; their lock refuses it.
      if (isRebooted) return !isCordoned || (await patch({ spec: { unschedulable: null } })) === 200;
      if (!isCordoned) {
        await patch({ spec: { unschedulable: true } });
        return false;
      }
    } else {
      const mark = (value: string | null): object => ({ metadata: { annotations: { [MARK]: value } } });
      // The agent releases; a mark that outlives its lock would not lock again.
      if (isMarked && (isRebooted || !isLocked)) {
        if (isLocked) return false;
        return (await patch(mark(null))) === 200 && isRebooted;
      }
      if (isRebooted) return true;
      if (!isMarked) {
        await patch({ ...mark("true"), spec: { unschedulable: true } });
        return false;
      }
    }
    await this.#time.sleep(dice() * 10_000, signal);
    if (signal.aborted) return false;
    if ((await machine.mayReboot(this.#tool.username, signal)) && !signal.aborted) {
      machine.reboot(this.#tool.username);
      job.refusals = 0;
      // The job's own pod goes with the machine; the controller looks again when it is back.
      await this.#time.sleep(30_000, signal);
      return false;
    }
    job.refusals = (job.refusals ?? 0) + 1;
    // Its lock is of an earlier boot, say: it gives up what it holds and begins anew. What others hold, they keep.
    if (job.refusals % MOST_REFUSALS === 0) await patch({ spec: { unschedulable: null } });
    return false;
  }
}
