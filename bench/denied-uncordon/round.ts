/** One turn of one answerer. */
import { closedLoop, type Client } from "../load/closed-loop.ts";
import type { MeasuredWebhook } from "./webhooks.ts";
import type { AnswererName } from "./answerers.ts";
import { cpuMillis } from "../process/usage.ts";

export interface Turn {
  readonly answerer: AnswererName;
  readonly concurrency: number;
  readonly latenciesMillis: readonly number[];
  /** CPU time of the webhook's process for one request; undefined where none is called. */
  readonly cpuMicros: number | undefined;
}

export interface Contender {
  readonly name: AnswererName;
  readonly clients: readonly Client[];
  readonly webhook: MeasuredWebhook | undefined;
}

export interface TurnLimits {
  readonly concurrency: number;
  readonly requests: number;
  readonly signal: AbortSignal;
}

/** A turn that takes longer is cut short there. */
const MOST_MILLIS = 30_000;

export async function measureTurn({ name, clients, webhook }: Contender, limits: TurnLimits): Promise<Turn> {
  const { concurrency, requests, signal } = limits;
  const cpu = async (): Promise<number> => (webhook === undefined ? 0 : cpuMillis(webhook.program.pid));
  const before = await cpu();
  const { latenciesMillis } = await closedLoop(clients.slice(0, concurrency), {
    mostRequests: requests,
    mostMillis: MOST_MILLIS,
    signal,
  });
  const used = (await cpu()) - before;
  const cpuMicros = webhook === undefined ? undefined : (used * 1_000) / latenciesMillis.length;
  return { answerer: name, concurrency, latenciesMillis, cpuMicros };
}
