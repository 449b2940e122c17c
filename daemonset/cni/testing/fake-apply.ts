/** Removal and quarantine without locks and processes: files are renamed into a folder, after the same questions. */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Apply, FileReading, MoveResult, OrderResult } from "../apply/order.ts";
import { readWhole } from "../lease/read.ts";
import type { Liveness, ProveLiveness } from "../liveness/liveness.ts";

export class FakeApply implements Apply {
  /** Orders that came, by kind and size. */
  readonly orders: string[] = [];
  /** Set: every order is skipped with these words. */
  obstacle: string | undefined;
  readonly #prove: ProveLiveness;
  readonly #quarantine: string;
  #moved = 0;

  constructor(prove: ProveLiveness, quarantine: string) {
    this.#prove = prove;
    this.#quarantine = quarantine;
    mkdirSync(quarantine, { recursive: true });
  }

  async leases(order: Parameters<Apply["leases"]>[0], signal: AbortSignal): Promise<OrderResult> {
    this.orders.push(`leases ${order.network} ${order.leases.length}`);
    return this.#carryOut(order.leases, order.stillStale, ({ name }) => name, signal);
  }

  async files(order: Parameters<Apply["files"]>[0], signal: AbortSignal): Promise<OrderResult> {
    this.orders.push(`files ${order.files.length}`);
    const key = ({ directory, name }: FileReading): string => `${directory}/${name}`;
    return this.#carryOut(order.files, order.stillStale, key, signal);
  }

  async #carryOut(
    files: readonly FileReading[],
    stillStale: (file: FileReading, liveness: Liveness) => boolean,
    keyOf: (file: FileReading) => string,
    signal: AbortSignal,
  ): Promise<OrderResult> {
    if (this.obstacle !== undefined) return { kind: "skipped", reason: this.obstacle };
    const again = files.map((file) => readWhole(file.directory, file.name, 1_024 * 1_024));
    const liveness = await this.#prove(signal);
    const results = new Map<string, MoveResult>();
    for (const [index, file] of files.entries()) {
      const read = again[index];
      if (read?.kind !== "file") results.set(keyOf(file), { kind: "gone" });
      else if (read.reading.ino !== file.ino || read.reading.content !== file.content) {
        results.set(keyOf(file), { kind: "changed", reason: "it is another file" });
      } else if (!stillStale(read.reading, liveness)) {
        results.set(keyOf(file), { kind: "changed", reason: "it is alive" });
      } else {
        const to = join(this.#quarantine, `${(this.#moved += 1)}-${file.name}`);
        renameSync(join(file.directory, file.name), to);
        results.set(keyOf(file), { kind: "moved", to });
      }
    }
    return { kind: "done", results };
  }
}
