/** The API server's own count of calls to webhooks. */
import { sumMetric } from "../../test/cluster/cluster/metric.ts";
import type { ApiClient } from "../../test/scenarios/api-client.ts";
import { WEBHOOKS, type Answerer } from "./answerers.ts";

/** @throws Error if the API server's counters did not rise by exactly what so many requests of each answerer take. */
export function checkCalls(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  requests: ReadonlyMap<Answerer, number>,
): void {
  for (const webhook of Object.values(WEBHOOKS)) {
    let expected = 0;
    for (const [{ calls }, count] of requests) if (calls.includes(webhook)) expected += count;
    const called = (after.get(webhook) ?? 0) - (before.get(webhook) ?? 0);
    if (called !== expected)
      throw new Error(`${webhook}: expected ${expected} calls, the API server made ${called}`);
  }
}

/** By the names that the webhooks are registered under. */
export async function callsOf(client: ApiClient): Promise<ReadonlyMap<string, number>> {
  const { status, body } = await client.send({ method: "GET", path: "/metrics" });
  if (status !== 200 || typeof body !== "string") throw new Error(`GET /metrics: ${status}`);
  const total = (name: string): number =>
    sumMetric(body, "apiserver_admission_webhook_request_total", { name });
  return new Map(Object.values(WEBHOOKS).map((name) => [name, total(name)]));
}
