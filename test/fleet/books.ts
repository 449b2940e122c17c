/** Keeps the books of every node: what is stored, who has changed it, and whether they might have. */
import { objectAt, textAt } from "../../kube/json.ts";
import { LOCK_ANNOTATION, parseNode } from "../../lock/node.ts";
import type { ApiAnswer, ApiRequest } from "../scenarios/api-client.ts";
import { judgeReboot, judgeRefusal, judgeWrite, type Stored, type Truth } from "./judge.ts";
import type { Sender, Watcher } from "./wire.ts";

const MOST_NOTES = 60;
const NODE_PATH = /^\/api\/v1\/nodes\/([^/?]+)(\/status)?(?:\?|$)/;

export interface Counts {
  locked: number;
  releasedByTool: number;
  releasedByAgent: number;
  /** Writes of strangers to locked nodes that were refused. */
  refused: number;
  /** Tools' cordons that were refused, because somebody else holds the node or the webhook is away. */
  cordonsRefused: number;
  reboots: number;
}

export class Books {
  readonly counts: Counts = {
    locked: 0,
    releasedByTool: 0,
    releasedByAgent: 0,
    refused: 0,
    cordonsRefused: 0,
    reboots: 0,
  };
  /** The first that was found. */
  violation: string | undefined;
  readonly #stored = new Map<string, Stored>();
  readonly #histories = new Map<string, string[]>();
  readonly #nowMillis: () => number;
  readonly #truthOf: (name: string) => Truth;
  readonly #read: (name: string) => Promise<unknown>;

  /** @param read the node as it is stored, past everything that may fail. */
  constructor(
    truthOf: (name: string) => Truth,
    read: (name: string) => Promise<unknown>,
    nowMillis: () => number,
  ) {
    this.#truthOf = truthOf;
    this.#read = read;
    this.#nowMillis = nowMillis;
  }

  /** What has happened to a node, the last of it. */
  history(name: string): readonly string[] {
    return this.#histories.get(name) ?? [];
  }

  #note(name: string, words: string): void {
    const history = this.#histories.get(name) ?? [];
    history.push(`${(this.#nowMillis() / 1_000).toFixed(1)} s: ${words}`);
    if (history.length > MOST_NOTES) history.shift();
    this.#histories.set(name, history);
  }

  /** A node that was created past the books. */
  enter(raw: unknown): void {
    this.#stored.set(nameIn(raw), storedIn(raw));
  }

  stored(name: string): Stored {
    return this.#stored.get(name) ?? { lock: undefined, cordoned: false, bootID: "" };
  }

  readonly watch: Watcher = async (sender, request, answer) => {
    const name = NODE_PATH.exec(request.path)?.[1];
    if (name === undefined || (answer === undefined && request.method === "GET")) return;
    const { role, as } = sender;
    const status = answer === undefined ? "no answer" : `${answer.status}`;
    const body = request.body === undefined || request.method === "PUT" ? "" : JSON.stringify(request.body);
    const doer = `${role} ${as.user} on ${as.node ?? "-"}`;
    if (request.method !== "GET") this.#note(name, `${doer}: ${request.method} ${body} ${status}`);
    if (request.method === "GET") {
      if (answer?.status === 200) this.#compare(name, storedIn(answer.body));
      return;
    }
    const before = this.stored(name);
    const isRefused = answer !== undefined && answer.status >= 400 && answer.status < 500;
    if (isRefused) this.#refused(name, before, sender, request, answer);
    else await this.#written(name, before, sender, answer);
  };

  #refused(name: string, before: Stored, sender: Sender, { body }: ApiRequest, { status }: ApiAnswer): void {
    if (status !== 403) return;
    const wanted = objectAt(body, "spec")?.["unschedulable"];
    const problem = judgeRefusal(before, wanted === null || wanted === false, doerOf(sender));
    if (problem !== undefined) this.#found(name, problem, sender);
    if (sender.role === "stranger" && before.lock !== undefined) this.counts.refused += 1;
    if (sender.role === "tool" && wanted === true) this.counts.cordonsRefused += 1;
  }

  async #written(name: string, before: Stored, sender: Sender, answer: ApiAnswer | undefined): Promise<void> {
    // Without an answer, or with one that says nothing, only the node itself can tell.
    const isTold = answer !== undefined && answer.status === 200;
    const after = storedIn(isTold ? answer.body : await this.#read(name));
    this.#stored.set(name, after);
    this.#note(name, `now ${JSON.stringify(after)}`);
    const problem = judgeWrite(before, after, doerOf(sender), this.#truthOf(name));
    if (problem !== undefined) this.#found(name, problem, sender);
    if (before.lock === undefined && after.lock !== undefined) this.counts.locked += 1;
    if (before.lock !== undefined && after.lock === undefined) {
      if (sender.role === "agent") this.counts.releasedByAgent += 1;
      else this.counts.releasedByTool += 1;
    }
  }

  /** At the moment at which the machine goes down. */
  async rebooted(name: string, toolUser: string): Promise<void> {
    const stored = storedIn(await this.#read(name));
    this.#note(name, `reboot by ${toolUser}`);
    this.#compare(name, stored);
    this.counts.reboots += 1;
    const problem = judgeReboot(stored, toolUser, this.#truthOf(name));
    if (problem !== undefined) this.#found(name, `${problem}, by ${toolUser}`);
  }

  #compare(name: string, seen: Stored): void {
    const known = this.stored(name);
    if (seen.lock === known.lock && seen.cordoned === known.cordoned) return;
    this.#found(name, `${JSON.stringify(known)} became ${JSON.stringify(seen)} without a request`);
  }

  #found(name: string, what: string, sender?: Sender): void {
    const by = sender === undefined ? "" : ` (${sender.role} ${sender.as.user} on ${sender.as.node ?? "-"})`;
    this.violation ??= `${name}: ${what}${by}`;
  }
}

/** @throws TypeError if it is no Node. */
export function storedIn(raw: unknown): Stored {
  const { annotations, unschedulable, bootID } = parseNode(raw, "the node");
  return { lock: annotations.get(LOCK_ANNOTATION), cordoned: unschedulable, bootID };
}

function nameIn(raw: unknown): string {
  return textAt(objectAt(raw, "metadata"), "name") ?? "";
}

function doerOf({ as }: Sender): { user: string; node: string | undefined } {
  return { user: as.user, node: as.node };
}
