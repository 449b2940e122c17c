import { expect, test } from "vitest";
import { KubeError } from "../kube/failure.ts";
import { issueAuthority } from "./authority.ts";
import { issueLeaf } from "./leaf.ts";
import { NAMES, SimulatedCluster } from "./testing/simulated-cluster.ts";

const MINUTE = 60_000;

async function startedCluster(seed: number, replicas: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(seed);
  cluster.addConfigurations();
  for (let count = 0; count < replicas; count += 1) cluster.start();
  await cluster.pass(MINUTE);
  return cluster;
}

function expectAgreement(cluster: SimulatedCluster): void {
  expect(cluster.served()).toEqual(new Set([cluster.signing()]));
  expect(cluster.replicas.map(({ keeper }) => keeper.health().filter(({ ok }) => !ok))).toEqual(
    cluster.replicas.map(() => []),
  );
}

const seeds = Array.from({ length: 4 }, (_, index) => [index + 1]);

test.each(seeds)(
  "three replicas that start at once agree on one authority and all get ready (seed %i)",
  async (seed) => {
    const cluster = await startedCluster(seed, 3);
    expectAgreement(cluster);
    expect(cluster.violations).toEqual([]);
  },
);

test("through two changes of authority in half an hour, no API server meets a certificate that it does not trust", async () => {
  const cluster = await startedCluster(7, 3);
  const signing = new Set<string>();
  for (let minute = 0; minute < 30; minute += 1) {
    await cluster.pass(MINUTE);
    signing.add(cluster.signing());
  }
  expect(signing.size).toBeGreaterThanOrEqual(3);
  expectAgreement(cluster);
  expect(cluster.violations).toEqual([]);
});

/** What goes wrong in a cluster, short of taking away what API servers already trust. */
const mishaps: readonly ((cluster: SimulatedCluster) => void)[] = [
  (cluster) => {
    cluster.kill(pick(cluster, cluster.replicas));
    cluster.start();
  },
  // A machine that sleeps; shorter than the grace, as the setting says.
  (cluster) => cluster.time.freeze(pick(cluster, cluster.replicas)?.name ?? "", cluster.dice() * MINUTE),
  (cluster) => {
    cluster.outage = new KubeError("call", { kind: "network", sentence: "connection refused" });
  },
  (cluster) => {
    cluster.secret = undefined;
  },
  (cluster) => cluster.writeSecret({ data: new Map([[somePart(cluster), "garbage"]]) }),
  (cluster) => cluster.writeSecret({ data: new Map([[somePart(cluster), undefined]]) }),
  (cluster) => {
    const request = pick(cluster, ["leaf", "all"]);
    cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", request]]) });
  },
  // A pair of another authority in our Secret: nobody may serve it.
  (cluster) => {
    const leaf = issueLeaf(issueAuthority(cluster.wallMillis, MINUTE), NAMES, cluster.wallMillis, MINUTE);
    cluster.writeSecret({
      data: new Map([
        ["tls.crt", leaf.certPem],
        ["tls.key", leaf.keyPem],
      ]),
    });
  },
];

function pick<T>(cluster: SimulatedCluster, from: readonly T[]): T | undefined {
  return from[Math.floor(cluster.dice() * from.length)];
}

function somePart(cluster: SimulatedCluster): string {
  const parts = ["tls.crt", "tls.key", "ca.crt", "ca.key", "next-ca.crt", "next-ca.key"];
  return pick(cluster, parts) ?? "tls.crt";
}

test.each(seeds)(
  "fifteen minutes of mishaps end in agreement, without one call refused (seed %i)",
  async (seed) => {
    const cluster = await startedCluster(100 + seed, 3);
    for (let minute = 0; minute < 15; minute += 1) {
      pick(cluster, mishaps)?.(cluster);
      await cluster.pass(cluster.dice() * MINUTE);
      cluster.outage = undefined;
    }
    await cluster.pass(4 * MINUTE);
    expectAgreement(cluster);
    expect(cluster.violations).toEqual([]);
    expect(cluster.logged.join("")).not.toMatch(/PRIVATE KEY|BEGIN/);
  },
);
