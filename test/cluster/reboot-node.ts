/** The node whose reboot lock the agent is to end, as its holder, strangers and the API server see it. */
import { setTimeout as delay } from "node:timers/promises";
import type { ApiAnswer } from "../scenarios/api-client.ts";
import {
  BOTH,
  fields,
  LOCK,
  type LockState,
  messageOf,
  patchNode,
  REBOOT,
  recordOf,
  stateOf,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { alice, bob, kubelet } from "../scenarios/world.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { waitUntilAnswering } from "./nodelatch.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

/** What came of a siege. `through`: how often a lock was still there after a stranger's uncordon went through. */
export interface Siege {
  readonly tries: number;
  readonly refused: number;
  readonly through: number;
}

export class RebootNode {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #world: RealWorld;

  private constructor(cluster: Cluster, world: RealWorld, name: string) {
    this.#cluster = cluster;
    this.#world = world;
    this.name = name;
  }

  static async of(cluster: Cluster, name: string): Promise<RebootNode> {
    return new RebootNode(cluster, await realWorld(cluster), name);
  }

  /** Also when a test failed half way: the next file needs a node that takes pods. */
  async close(): Promise<void> {
    await waitUntilAnswering(this.#cluster);
    await this.unlock();
    this.#world.close();
  }

  /** Alice cordons and locks it. */
  async lock(value = REBOOT): Promise<void> {
    const body = { spec: { unschedulable: true }, metadata: { annotations: { [LOCK]: value } } };
    accepted("lock", await patchNode(this.#world, this.name, alice, body));
  }

  /** Alice takes her lock away, if there is one, and the cordon. */
  async unlock(): Promise<void> {
    accepted("unlock", await patchNode(this.#world, this.name, alice, BOTH));
  }

  /** The HTTP status of a stranger's uncordon. */
  async strangerUncordons(): Promise<number> {
    return (await patchNode(this.#world, this.name, bob, UNCORDON)).status;
  }

  async state(): Promise<LockState> {
    return stateOf(this.#world, this.name);
  }

  async record(): Promise<Record<string, unknown>> {
    return recordOf(this.#world, this.name);
  }

  /** In the kubelet's name. */
  async reportBoot(bootID: string): Promise<void> {
    const body = { status: { nodeInfo: { bootID } } };
    const as = kubelet(this.name);
    accepted("report a boot", await patchNode(this.#world, this.name, as, body, { subresource: "status" }));
  }

  async bootID(): Promise<string> {
    return this.#cluster.kubectl(["get", "node", this.name, "-o=jsonpath={.status.nodeInfo.bootID}"]);
  }

  /** @param seen what to show if it takes too long. */
  async waitUntilReleased(deadlineMillis: number, seen: () => Promise<string>): Promise<void> {
    await waitFor(
      "the lock to be released",
      async () => {
        const { lock } = await this.state();
        return lock === undefined ? { done: true, value: undefined } : { done: false, seen: await seen() };
      },
      { deadlineMillis, intervalMillis: 1_000 },
    );
  }

  /** Messages of the Events LockReleased, one for each time that it was counted. */
  async releases(): Promise<readonly string[]> {
    const select = `involvedObject.name=${this.name},reason=LockReleased`;
    const path = '-o=jsonpath={range .items[*]}{.count} {.message}{"\\n"}{end}';
    const text = await this.#cluster.kubectl([
      "get",
      "events",
      "-n",
      "default",
      "--field-selector",
      select,
      path,
    ]);
    return text.split("\n").flatMap((line) => {
      const [, count = "", message = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
      return Array<string>(Number(count)).fill(message);
    });
  }

  /** Bob uncordons each half second, whatever comes of it, until the siege is ended. */
  besiege(): () => Promise<Siege> {
    const over = new AbortController();
    const seen = { tries: 0, refused: 0, through: 0 };
    const siege = async (): Promise<void> => {
      while (!over.signal.aborted) {
        seen.tries += 1;
        try {
          const { status, body } = await patchNode(this.#world, this.name, bob, UNCORDON);
          if (status === 403) seen.refused += 1;
          // What comes back is the node after the write.
          const annotations = fields(fields(fields(body)["metadata"])["annotations"]);
          if (status === 200 && annotations[LOCK] !== undefined) seen.through += 1;
        } catch {
          // The API server is away.
        }
        await delay(500);
      }
    };
    const ended = siege();
    return async () => {
      over.abort();
      await ended;
      return seen;
    };
  }
}

function accepted(what: string, answer: ApiAnswer): void {
  if (answer.status !== 200) throw new Error(`${what}: HTTP ${answer.status}: ${messageOf(answer)}`);
}
