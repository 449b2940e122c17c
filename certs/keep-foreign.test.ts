/** A Secret that holds somebody else's pair. */
import { expect, test } from "vitest";
import { issueAuthority } from "./authority.ts";
import { issueForeign } from "./testing/foreign.ts";
import { complaints, healthOf, MINUTE, running, SECOND, serial, VALIDATING } from "./testing/one-replica.ts";
import { NAMES, SimulatedCluster, START_MILLIS } from "./testing/simulated-cluster.ts";

test("someone else's good pair is served and its authority injected, and the Secret never written", async () => {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  const foreign = issueForeign(NAMES, 2);
  cluster.wallOffsetMillis = Date.now() + SECOND - START_MILLIS;
  cluster.writeSecret({
    data: foreignData(foreign),
    annotations: new Map([["cert-manager.io/issuer-name", "x"]]),
  });
  const before = cluster.secret?.resourceVersion;
  const replica = cluster.start();
  await cluster.pass(MINUTE);
  expect(replica.keeper.current()?.certPem).toBe(foreign.certPem);
  expect(cluster.configurations.get(VALIDATING)?.entries[0]?.caBundle).toBe(foreign.certPem);
  expect(cluster.isReady(replica)).toBe(true);
  expect(cluster.secret?.resourceVersion).toBe(before);
});

test("someone else's expired pair is refused in clear words, once, and never overwritten", async () => {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  const foreign = issueForeign(NAMES, 1);
  cluster.wallOffsetMillis = Date.now() + 3 * 86_400_000 - START_MILLIS;
  cluster.writeSecret({ data: foreignData(foreign) });
  const before = cluster.secret?.resourceVersion;
  const replica = cluster.start();
  await cluster.pass(MINUTE);
  expect(cluster.secret?.resourceVersion).toBe(before);
  expect(healthOf(replica, "certificate").ok).toBe(false);
  expect(healthOf(replica, "certificate").detail).toMatch(/someone else's.*expired at.*or delete the Secret/);
  expect(complaints(cluster)).toHaveLength(1);
});

test("someone else's pair that goes bad does not displace the good one that is served", async () => {
  const { cluster, replica } = await running();
  const before = serial(replica);
  cluster.writeSecret({
    data: new Map([["tls.crt", "garbage"]]),
    annotations: new Map([["cert-manager.io/issuer-name", "x"]]),
  });
  await cluster.pass(MINUTE);
  expect(serial(replica)).toBe(before);
  expect(healthOf(replica, "certificate").ok).toBe(true);
  expect(healthOf(replica, "certificate").detail).toContain("someone else's");
});

test("while someone else's bad pair keeps us on the old one, its authority stays in the caBundles beyond the grace", async () => {
  const { cluster, replica } = await running();
  const caPem = replica.keeper.current()?.caPem ?? "none";
  cluster.writeSecret({
    data: new Map([
      ["tls.crt", "garbage"],
      ["ca.crt", issueAuthority(cluster.wallMillis, 60 * MINUTE).certPem],
    ]),
    annotations: new Map([["cert-manager.io/issuer-name", "x"]]),
  });
  await cluster.pass(cluster.settings.graceMillis + MINUTE);
  expect(cluster.configurations.get(VALIDATING)?.entries[0]?.caBundle).toContain(caPem);
  expect(cluster.isReady(replica)).toBe(true);
  expect(cluster.violations).toEqual([]);
});

function foreignData(pair: {
  readonly certPem: string;
  readonly keyPem: string;
}): ReadonlyMap<string, string> {
  return new Map([
    ["tls.crt", pair.certPem],
    ["tls.key", pair.keyPem],
    ["ca.crt", pair.certPem],
  ]);
}
