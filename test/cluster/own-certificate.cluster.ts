import { afterAll, beforeAll, expect, test } from "vitest";
import { issueAuthority } from "../../certs/authority.ts";
import { issueLeaf } from "../../certs/leaf.ts";
import { lockedNode } from "../scenarios/nodes.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { startUncordonLoad } from "./load/uncordon-load.ts";
import { installNodelatch, NAMESPACE } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const SECRET = "brought-by-hand";
const METRIC = "nodelatch_certificate_expiry_timestamp_seconds";
const DAY = 86_400_000;
/** As short as a person's own certificate may be: only the name that API servers ask for. */
const NAMES = ["nodelatch-webhook.nodelatch-system.svc"];
const authority = issueAuthority(Date.now(), DAY);
let cluster: Cluster;
let world: RealWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  // The namespace of the release, which the Secret must be in before the pods are.
  await installNodelatch(cluster);
  await putPair(DAY / 2);
  world = await realWorld(cluster);
});
afterAll(async () => {
  world.close();
  await cluster.tryKubectl(["delete", "secret", SECRET, "-n", NAMESPACE]);
});

/** Writes a fresh pair by the same authority into the Secret. */
async function putPair(lifeMillis: number): Promise<void> {
  const leaf = issueLeaf(authority, NAMES, Date.now(), lifeMillis);
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: SECRET, namespace: NAMESPACE },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": leaf.certPem, "tls.key": leaf.keyPem, "ca.crt": authority.certPem },
  };
  await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(secret) });
}

test("a certificate of one's own serves, and its successor is taken over without a failed call", async () => {
  await installNodelatch(cluster, ["certs.mode=existingSecret", `certs.existingSecret=${SECRET}`]);
  const node = await lockedNode(world);
  const load = startUncordonLoad(world, node, 2, 600_000);
  const before = await expiries();
  // The pods tell two certificates apart by their ends.
  await putPair(DAY / 3);
  // kubelet brings a changed Secret into the pod within a minute or two.
  await expect
    .poll(async () => (await expiries()).every((expiry) => !before.includes(expiry)), {
      timeout: 400_000,
      interval: 3_000,
    })
    .toBe(true);
  const { refused, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(refused).toBeGreaterThan(20);
  await installNodelatch(cluster);
});

/** The end of the certificate that each pod serves. */
async function expiries(): Promise<readonly string[]> {
  const selector = "-lapp.kubernetes.io/name=nodelatch,app.kubernetes.io/component=webhook";
  // Not those of the release before, which are still draining.
  const running = "--field-selector=status.phase=Running";
  const settled =
    "-o=go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}";
  const names = await cluster.kubectl(["get", "pods", "-n", NAMESPACE, selector, running, settled]);
  return Promise.all(
    names
      .trim()
      .split(" ")
      .map(async (pod) => {
        const script = "fetch('http://localhost:8080/metrics').then((a) => a.text()).then(console.log)";
        const metrics = await cluster.kubectl(["exec", pod, "-n", NAMESPACE, "--", "node", "-e", script]);
        const line = metrics.split("\n").find((text) => text.startsWith(`${METRIC} `));
        if (line === undefined) throw new Error(`${pod}: no metric of the certificate's expiry`);
        return line.split(" ").at(-1) ?? "";
      }),
  );
}
