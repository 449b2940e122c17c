/** Samples of processes at rest, while the agent is asked what kubelet and Prometheus ask. */
import { setTimeout as delay } from "node:timers/promises";
import { cpuMillis, memoryMebibytes, type Memory } from "../process/usage.ts";

export interface RestSamples {
  readonly memories: readonly Memory[];
  /** CPU time as a share of one core's time, in per cent. */
  readonly cpuPercent: number;
}

export interface RestOptions {
  readonly pids: readonly number[];
  readonly quietMillis: number;
  /** Of the agent's probes and metrics. */
  readonly url: string;
  readonly signal: AbortSignal;
}

/** As in the chart: readiness; every third time liveness, and the ServiceMonitor's scrape. */
const READY_MILLIS = 10_000;

/** Samples in the order of `pids`. @throws Error if the agent is not ready. */
export async function watchRest(options: RestOptions): Promise<readonly RestSamples[]> {
  const { pids, quietMillis, signal } = options;
  const beganMillis = performance.now();
  const before = await Promise.all(pids.map(cpuMillis));
  const memories: Memory[][] = pids.map(() => []);
  for (let round = 1; performance.now() - beganMillis < quietMillis; round += 1) {
    const left = quietMillis - (performance.now() - beganMillis);
    await delay(Math.min(READY_MILLIS, left), undefined, { signal });
    await ask(options, "/readyz");
    if (round % 3 === 0) {
      await ask(options, "/livez");
      await ask(options, "/metrics");
    }
    for (const [index, pid] of pids.entries()) memories[index]?.push(await memoryMebibytes(pid));
  }
  const elapsedMillis = performance.now() - beganMillis;
  const after = await Promise.all(pids.map(cpuMillis));
  return memories.map((each, index) => ({
    memories: each,
    cpuPercent: (100 * ((after[index] ?? 0) - (before[index] ?? 0))) / elapsedMillis,
  }));
}

const ANSWER_MILLIS = 10_000;

async function ask({ url, signal }: RestOptions, path: string): Promise<void> {
  const response = await fetch(url + path, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MILLIS)]),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the agent's ${path}: HTTP ${response.status}\n${text}`);
}
