/** What ImagePrePullJobs are judged by besides themselves, what the chart grants for it, and the webhook out of reach. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import {
  bringKubeEdge,
  job,
  jobWith,
  KUBEEDGE,
  kubectlIn,
  waitForNodes,
  type KubeEdge,
  type Template,
} from "./kubeedge.ts";
import { installNodelatch, NAMESPACE, scaleWebhook } from "./nodelatch.ts";

const FINALIZER = "kubeedge.io/prepull-test";

let cluster: Cluster;
let kubeEdge: KubeEdge;

const send = async (argv: readonly string[], input?: string) => kubectlIn(cluster, argv, input);
const create = async (text: string, ...argv: readonly string[]) => send(["create", "-f", "-", ...argv], text);

beforeAll(async () => {
  cluster = await openTestCluster();
  kubeEdge = await bringKubeEdge(cluster);
  // The pods are new: they have not looked for KubeEdge before it was there.
  await installNodelatch(cluster, ["prepull.secretNamespaces={default}"]);
  await waitForNodes(cluster);
}, 400_000);

afterAll(async () => kubeEdge.close(), 400_000);

test("the cluster's state: nodes, switches, Secrets, as they are now", async () => {
  const only = async (template: Template) => create(job("advised", template), "--dry-run=server");
  expect(await only({})).toMatchObject({ code: 0, stderr: "" });
  const ghost = await only({ nodeNames: ["ghost"] });
  expect(ghost.code).toBe(1);
  expect(ghost.stderr).toContain(
    "spec.imagePrePullTemplate.nodeNames: Invalid value: 1 of 1: no node can take it: ghost not found; " +
      "KubeEdge would fail every node at once, and never try again; e.g. kubectl get nodes -l node-role.kubernetes.io/edge=",
  );
  const some = await only({ nodeNames: ["node1", "ghost"], failureTolerate: "0.9" });
  expect(some).toMatchObject({ code: 0, stderr: "Warning: nodelatch: nodeNames 1 of 2: ghost not found" });

  const config = {
    metadata: { name: "cloudcore" },
    data: { "cloudcore.yaml": "modules: {taskManager: {enable: false}}" },
  };
  const map = { apiVersion: "v1", kind: "ConfigMap", ...config };
  await cluster.kubectl(["create", "-n", KUBEEDGE, "-f", "-"], { input: JSON.stringify(map) });
  await expect
    .poll(async () => (await only({})).stderr, { timeout: 60_000, interval: 500 })
    .toBe(
      [
        "Warning: nodelatch: Deployment kubeedge-controller-manager: it is not installed; nothing will happen",
        "Warning: nodelatch: ConfigMap kubeedge/cloudcore: modules.taskManager.enable is off: nodes stay Pending",
      ].join("\n"),
    );
  await cluster.kubectl(["delete", "configmap", "-n", KUBEEDGE, "cloudcore"]);
  await expect.poll(async () => (await only({})).stderr, { timeout: 60_000, interval: 500 }).toBe("");

  const secret = { imageSecrets: "default/login" };
  // Each replica watches for itself: the other one may still know the ConfigMap.
  await expect
    .poll(async () => (await only(secret)).stderr, { timeout: 60_000, interval: 500 })
    .toBe('Warning: nodelatch: imageSecrets "default/login": there is no such Secret');
  // Not among the namespaces that may be read.
  expect(await only({ imageSecrets: "kubeedge/login" })).toMatchObject({ code: 0, stderr: "" });
  const make = ["create", "secret", "docker-registry", "login", "--docker-username=u", "--docker-password=p"];
  await cluster.kubectl(make);
  try {
    await expect
      .poll(async () => (await only(secret)).stderr, { timeout: 60_000, interval: 500 })
      .toContain("read as empty: anonymous pulls");
  } finally {
    await cluster.kubectl(["delete", "secret", "login"]);
  }
});

test("the ServiceAccount may read what jobs are judged by, and no more", async () => {
  const account = `--as=system:serviceaccount:${NAMESPACE}:nodelatch-webhook`;
  const can = async (...argv: string[]) =>
    (await cluster.tryKubectl(["auth", "can-i", ...argv, account])).stdout.trim() === "yes";
  expect(await can("watch", "nodes")).toBe(true);
  expect(await can("list", "configmap/cloudcore", "-n", KUBEEDGE)).toBe(true);
  expect(await can("list", "configmaps", "-n", KUBEEDGE)).toBe(false);
  expect(await can("watch", "deployment.apps/kubeedge-controller-manager", "-n", KUBEEDGE)).toBe(true);
  expect(await can("list", "deployments.apps", "-n", KUBEEDGE)).toBe(false);
  expect(await can("list", "secrets", "-n", "default")).toBe(true);
  expect(await can("list", "secrets", "-n", KUBEEDGE)).toBe(false);
  expect(await can("list", "imageprepulljobs.operations.kubeedge.io")).toBe(false);
});

test("new jobs get KubeEdge's documented defaults where that is wanted", async () => {
  const template = async (name: string): Promise<unknown> =>
    JSON.parse(
      await cluster.kubectl(["get", "imageprepulljob", name, "-o=jsonpath={.spec.imagePrePullTemplate}"]),
    );
  const bare = { images: ["docker.io/library/nginx:1.27"], nodeNames: ["node1"] };
  const text = jobWith(bare, "bare");
  expect((await create(text)).stderr).toContain("Warning: nodelatch: timeoutSeconds");
  expect(await template("bare")).toEqual(bare);
  await installNodelatch(cluster, ["prepull.applyDocumentedDefaults=true"]);
  await expect
    .poll(
      async () => {
        await cluster.kubectl(["delete", "imageprepulljob", "bare", "--ignore-not-found"]);
        await create(text);
        return template("bare");
      },
      { timeout: 90_000, interval: 1_000 },
    )
    .toEqual({ ...bare, timeoutSeconds: 300, checkItems: ["disk"], failureTolerate: "0.1" });
});

test("while the webhook is down, new jobs wait and everything else goes on", async () => {
  await cluster.kubectl(["apply", "-f", "-"], { input: job("meanwhile") });
  await scaleWebhook(cluster, 0);
  try {
    const { code, stderr } = await create(job("later"));
    expect(code).toBe(1);
    expect(stderr).toContain('failed calling webhook "prepull.nodelatch.io"');
    expect(await send(["label", "imageprepulljob", "meanwhile", "a=b"])).toMatchObject({ code: 0 });
    const status = ["patch", "imageprepulljob", "meanwhile", "--subresource=status", "--type=merge", "-p"];
    expect(await send([...status, '{"status":{"phase":"InProgress"}}'])).toMatchObject({ code: 0 });
    const finalizers = (list: string) => [
      "patch",
      "imageprepulljob",
      "meanwhile",
      "--type=merge",
      "-p",
      `{"metadata":{"finalizers":${list}}}`,
    ];
    expect(await send(finalizers(`["${FINALIZER}"]`))).toMatchObject({ code: 0 });
    expect(await send(["delete", "imageprepulljob", "meanwhile", "--wait=false"])).toMatchObject({
      code: 0,
    });
    // As KubeEdge ends each delete.
    const kubeedge = ["--as=system:serviceaccount:kubeedge:controller-manager", "--as-group=system:masters"];
    expect(await send([...finalizers("null"), ...kubeedge])).toMatchObject({ code: 0 });
    expect(await send(["get", "imageprepulljob", "meanwhile"])).toMatchObject({ code: 1 });
  } finally {
    await scaleWebhook(cluster, 2);
  }
});
