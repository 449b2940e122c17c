/** All machines, each with a namespace for the pods of one test file. */
import { machineLines } from "./lines.ts";
import { openMachine, type Machine } from "./machine.ts";
import { openPods, type Pods } from "./pods.ts";

export interface Place {
  readonly machine: Machine;
  readonly pods: Pods;
}

export class Places {
  readonly #places = new Map<string, Place>();
  readonly #prefix: string;

  /** @param prefix of the namespaces' names, one of its own for each file. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  async open(): Promise<void> {
    await Promise.all(
      machineLines.map(async (line) => {
        const machine = await openMachine(line);
        const pods = await openPods(machine, `${this.#prefix}-${line.name}`);
        this.#places.set(line.name, { machine, pods });
      }),
    );
  }

  /** The machine of that name. */
  at(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`no machine ${name}`);
    return place;
  }

  /** Removes the pods. */
  async close(): Promise<void> {
    for (const { pods } of this.#places.values()) await pods.remove();
  }
}
