import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly deadlineMillis: number;
  readonly intervalMillis?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a probe saw: done with a value, or not yet with the reason to show when time runs out. */
export type Probe<T> =
  { readonly done: true; readonly value: T } | { readonly done: false; readonly seen: string };

/**
 * Asks the probe until it is done. A throwing probe counts as "not yet".
 * Throws after `deadlineMillis`, naming what was waited for and what was seen last.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<Probe<T>>,
  options: WaitOptions,
): Promise<T> {
  const end = performance.now() + options.deadlineMillis;
  for (;;) {
    options.signal?.throwIfAborted();
    const seen = await attempt(probe);
    if (seen.done) return seen.value;
    if (performance.now() > end) {
      throw new Error(`waited ${options.deadlineMillis} ms for ${what}; last seen: ${seen.seen}`);
    }
    await sleep(options.intervalMillis ?? 200, undefined, { signal: options.signal });
  }
}

async function attempt<T>(probe: () => Promise<Probe<T>>): Promise<Probe<T>> {
  try {
    return await probe();
  } catch (error) {
    return { done: false, seen: error instanceof Error ? error.message : String(error) };
  }
}
