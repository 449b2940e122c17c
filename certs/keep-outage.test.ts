/** With the API server away, and at rest. */
import { expect, test } from "vitest";
import { KubeError } from "../kube/failure.ts";
import { complaints, healthOf, MINUTE, running, SECOND, serial } from "./testing/one-replica.ts";

test("with the API server away the good pair stays and readiness too; the trouble is told and logged once", async () => {
  const { cluster, replica } = await running();
  const before = serial(replica);
  cluster.outage = new KubeError("call", { kind: "network", sentence: "connection refused" });
  await cluster.pass(90 * SECOND);
  expect(serial(replica)).toBe(before);
  expect(cluster.isReady(replica)).toBe(true);
  expect(healthOf(replica, "certificate").detail).toContain(
    "Secret nodelatch-system/tls: connection refused",
  );
  expect(complaints(cluster)).toEqual(["certificate source fails; keeping what is served: "]);
  await cluster.pass(5 * MINUTE);
  expect(healthOf(replica, "certificate").ok).toBe(false);
  cluster.outage = undefined;
  await cluster.pass(70 * SECOND);
  expect(cluster.isReady(replica)).toBe(true);
});

test("retries back off while the API server is away: a few calls a minute, not thousands", async () => {
  const { cluster } = await running();
  let calls = 0;
  cluster.hook = (_replica, _operation, when) => void (calls += when === "before" ? 1 : 0);
  cluster.outage = new KubeError("call", { kind: "network", sentence: "connection refused" });
  await cluster.pass(10 * MINUTE);
  expect(calls).toBeGreaterThan(8);
  expect(calls).toBeLessThan(40);
});

test("at rest it reads three objects per poll and writes nothing", async () => {
  const { cluster } = await running();
  const operations: string[] = [];
  cluster.hook = (_replica, operation, when) => {
    if (when === "before") operations.push(operation.split(" ")[0] ?? "");
  };
  await cluster.pass(MINUTE);
  expect(new Set(operations)).toEqual(new Set(["read"]));
  expect(operations.length).toBeLessThanOrEqual(7 * 3);
});
