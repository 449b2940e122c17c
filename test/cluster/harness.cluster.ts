import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiServerReturns } from "./api-server-returns.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { busyboxImage } from "./config/machine.ts";
import { waitFor } from "./process/wait-for.ts";

const namespace = "harness";
const node = "node1";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await openTestCluster();
  await cluster.kubectl(["create", "namespace", namespace]);
  await waitFor(
    "the namespace's ServiceAccount",
    async () => {
      await cluster.kubectl(["get", "serviceaccount", "default", "-n", namespace]);
      return { done: true, value: undefined };
    },
    { deadlineMillis: 150_000 },
  );
  await cluster.kubectl(["apply", "-n", namespace, "-f", "-"], { input: manifests() });
});

afterAll(async () => {
  await cluster.kubectl(["delete", "namespace", namespace, "--timeout=150s"]);
});

describe("the real cluster", () => {
  test("has a Ready node that tells its boot id", async () => {
    expect(await readyStatus()).toBe("True");
    expect(await bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("runs a pod whose Service the API server's side reaches", async () => {
    await waitForPod();
    expect(await askService()).toBe("hello\n");
  });

  test("shows logs and runs programs in pods", async () => {
    expect(await cluster.kubectl(["exec", "-n", namespace, "web", "--", "cat", "/tmp/www/index.html"])).toBe(
      "hello\n",
    );
  });

  test("lets pods reach the API server by its Service address", async () => {
    await waitForPod();
    const ask = ["wget", "-q", "-O-", "http://10.96.0.1:443/livez"];
    const { stderr } = await cluster.tryKubectl(["exec", "-n", namespace, "web", "--", ...ask]);
    // What a server that expects TLS answers to plain HTTP: the address led to it.
    expect(stderr).toContain("400 Bad Request");
  });

  test("shows the API server's own metrics", async () => {
    expect(await cluster.metrics()).toContain("apiserver_request_total{");
  });

  test("knows users by certificate, with their groups", async () => {
    const kubeconfig = await cluster.userKubeconfig({ name: "alice", groups: ["team-a", "team/b"] });
    const who: unknown = JSON.parse(await cluster.kubectl(["auth", "whoami", "-o", "json"], { kubeconfig }));
    expect(who).toMatchObject({
      status: { userInfo: { username: "alice", groups: ["team-a", "team/b", "system:authenticated"] } },
    });
    const denied = await cluster.tryKubectl(["cordon", node], { kubeconfig });
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain('User "alice" cannot get');
  });

  test("knows a node's own identity without touching the kubelet's", async () => {
    const user = { name: `system:node:${node}`, groups: ["system:nodes"] };
    const kubeconfig = await cluster.userKubeconfig(user);
    expect(await cluster.kubectl(["get", "node", node, "-o", "name"], { kubeconfig })).toBe(`node/${node}\n`);
  });

  test("gives pod-bound tokens that carry the pod's node", async () => {
    await waitForPod();
    const request = { namespace, serviceAccount: "default", pod: "web" };
    const kubeconfig = await cluster.tokenKubeconfig("web-token", request);
    const who: unknown = JSON.parse(await cluster.kubectl(["auth", "whoami", "-o", "json"], { kubeconfig }));
    expect(who).toMatchObject({
      status: { userInfo: { extra: { "authentication.kubernetes.io/node-name": [node] } } },
    });
  });

  test("takes Node objects without a machine", async () => {
    await cluster.createFakeNode("harness-fake", { annotations: { a: "b" }, unschedulable: true });
    const field = "-o=jsonpath={.spec.unschedulable} {.metadata.annotations.a}";
    expect(await cluster.kubectl(["get", "node", "harness-fake", field])).toBe("true b");
    await cluster.kubectl(["delete", "node", "harness-fake"]);
  });

  test("refuses while the API server is stopped and answers when it is back", async () => {
    await cluster.stopApiServer();
    expect(await cluster.tryKubectl(["get", "nodes", "--request-timeout=5s"])).toMatchObject({ code: 1 });
    await apiServerReturns(cluster, node);
    await expect.poll(readyStatus, { timeout: 120_000 }).toBe("True");
  });

  test("brings pods back after a power cut, under a new boot id", async () => {
    await waitForPod();
    const before = await bootId();
    // What a killed nsenter leaves must not keep the machine from ending.
    await expect(cluster.exec(node, ["sleep", "600"], 500)).rejects.toThrow("did not end within 500 ms");
    await cluster.powerOff(node);
    await expect(cluster.exec(node, ["true"])).rejects.toThrow(`machine ${node} is off`);
    await cluster.powerOn(node);
    await waitFor(
      "the restarted pod",
      async () => {
        const restarts = await podField("{.status.containerStatuses[0].restartCount}");
        const ready = await podField("{.status.containerStatuses[0].ready}");
        return restarts === "1" && ready === "true"
          ? { done: true, value: undefined }
          : { done: false, seen: `restarts ${restarts}, ready ${ready}` };
      },
      { deadlineMillis: 150_000 },
    );
    expect(await bootId()).not.toBe(before);
    expect(await askService()).toBe("hello\n");
  });

  test("restarts containerd without its pods noticing", async () => {
    await cluster.service(node, "containerd", "kill");
    await cluster.service(node, "containerd", "start");
    expect(await askService()).toBe("hello\n");
    expect(await podField("{.status.containerStatuses[0].restartCount}")).toBe("1");
  });

  test("runs helm", async () => {
    expect(await cluster.helm(["list", "-n", namespace, "-q"])).toBe("");
  });
});

function manifests(): string {
  const script = "mkdir -p /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www";
  const container = {
    name: "web",
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sh", "-c", script],
    readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", labels: { app: "web" } },
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  };
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [pod, service] });
}

async function waitForPod(): Promise<void> {
  await cluster.kubectl(["wait", "-n", namespace, "--for=condition=Ready", "--timeout=150s", "pod/web"]);
}

async function podField(path: string): Promise<string> {
  return cluster.kubectl(["get", "pod", "web", "-n", namespace, `-o=jsonpath=${path}`]);
}

async function readyStatus(): Promise<string> {
  const path = '{.status.conditions[?(@.type=="Ready")].status}';
  return cluster.kubectl(["get", "node", node, `-o=jsonpath=${path}`]);
}

async function bootId(): Promise<string> {
  return cluster.kubectl(["get", "node", node, "-o=jsonpath={.status.nodeInfo.bootID}"]);
}

/** What a program beside the API server, in its network, gets from the Service's ClusterIP. */
async function askService(): Promise<string> {
  const address = await cluster.kubectl([
    "get",
    "service",
    "web",
    "-n",
    namespace,
    "-o=jsonpath={.spec.clusterIP}",
  ]);
  const script = "fetch(process.argv[1]).then(async (answer) => process.stdout.write(await answer.text()))";
  const argv = [process.execPath, "-e", script, `http://${address}/`];
  return waitFor(
    "the Service's answer",
    async () => {
      const { code, stdout, stderr } = await cluster.execBesideApiServer(argv, 10_000);
      return code === 0 ? { done: true, value: stdout } : { done: false, seen: stderr };
    },
    { deadlineMillis: 150_000 },
  );
}
