/** Somebody who wants the node back, at once and by every means that a request has. */
import type { ApiAnswer, Identity } from "../scenarios/api-client.ts";
import { messageOf } from "../scenarios/nodes.ts";
import { STRIPS, UNCORDONS, type Attack } from "../scenarios/refused.ts";
import type { World } from "../scenarios/world.ts";
import type { Send } from "./requests.ts";

export interface Try {
  readonly shape: string;
  readonly status: number;
  readonly message: string;
}

const deletion: Attack = (world, name, as) =>
  world.send({ as, method: "DELETE", path: `/api/v1/nodes/${name}` });

/** Uncordons, strips of the lock, and the node's deletion; server-side apply is for real API servers alone. */
export const ATTACKS: readonly (readonly [string, Attack])[] = [
  ...UNCORDONS,
  ...STRIPS,
  ["deletion", deletion],
];

export class Adversary {
  readonly tries: Try[] = [];
  /** Whole rounds so far: each sends every shape as everybody. */
  rounds = 0;
  readonly #world: World;
  readonly #node: string;
  readonly #attacks: readonly (readonly [string, Attack])[];
  readonly #people: readonly Identity[];

  constructor(send: Send, node: string, people: readonly Identity[], attacks = ATTACKS) {
    this.#world = { send, webhookCalls: async () => Promise.resolve(0), writesOfEachKind: 0 };
    this.#node = node;
    this.#people = people;
    this.#attacks = attacks;
  }

  /** One of each, side by side. */
  async round(): Promise<void> {
    const all = this.#people.flatMap((as) => this.#attacks.map(([shape, attack]) => ({ as, shape, attack })));
    await Promise.all(
      all.map(async ({ as, shape, attack }) => {
        const answer: ApiAnswer = await attack(this.#world, this.#node, as);
        this.tries.push({
          shape: `${as.user}: ${shape}`,
          status: answer.status,
          message: messageOf(answer),
        });
      }),
    );
    this.rounds += 1;
  }

  get through(): readonly Try[] {
    return this.tries.filter(({ status }) => status < 400);
  }
}
