/** Lets everything else that waits have its turn: between batches of synchronous reading. */
import { setImmediate } from "node:timers/promises";

export async function turn(): Promise<void> {
  await setImmediate();
}
