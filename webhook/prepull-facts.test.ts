/** The facts behind the webhook, from the embedded API server, which is out of reach for a while. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { connectKubeconfig } from "../kube/connect.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import { NO_FACTS } from "../prepull/facts.ts";
import { createApiClient } from "../test/scenarios/api-client.ts";
import { readKubeconfig } from "../test/scenarios/kubeconfig.ts";
import { MASTERS } from "../test/simulated/access/user.ts";
import { startApiServer } from "../test/simulated/api-server.ts";
import { parseReview } from "./parse-review.ts";
import { createPrepull } from "./prepull.ts";
import { makeClusterFacts } from "./prepull-facts.ts";
import { jobReviewBody, jobWith } from "./testing/job-review.ts";

const GROUP = "/apis/operations.kubeedge.io";
const EDGE = { "node-role.kubernetes.io/edge": "" };
/** Long enough that a healthy watch never counts as silent on a busy machine, not even where all stands still for a while. */
const TIMES = {
  watchMillis: 1_000,
  graceMillis: 20_000,
  staleMillis: 8_000,
  backoff: { firstMillis: 50, maxMillis: 200 },
};

/** Between the webhook and the API server; can be cut. */
async function startWire(to: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const wire = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(to, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(wire, "listening");
  const address = wire.address();
  const cut = (now: boolean): void => {
    isCut = now;
    for (const socket of sockets) if (now) socket.destroy();
  };
  onTestFinished(() => {
    cut(true);
    wire.close();
  });
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, cut };
}

async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), "nodelatch-facts-"));
  const api = await startApiServer({
    users: [
      { username: "admin", groups: [MASTERS] },
      { username: "webhook", groups: [], token: "t" },
    ],
    allow: (_user, { verb, resource, namespace }) =>
      (verb === "list" || verb === "watch") &&
      (resource === "nodes" || (resource === "secrets" && namespace === "kubeedge")),
    namespaces: ["kubeedge"],
  });
  const wire = await startWire(Number(new URL(api.url).port));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const client = createApiClient(await readKubeconfig(file("admin", api.kubeconfig("admin"))));
  const viaWire = api.kubeconfig("webhook").replaceAll(api.url, `https://127.0.0.1:${wire.port}`);
  const kube = connectKubeconfig(file("webhook", viaWire));
  onTestFinished(async () => {
    client.close();
    await kube.close();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const must = async (method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<void> => {
    const answer = await client.send({ method, path, ...(body === undefined ? {} : { body }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  };
  return { kube, wire, must };
}

function node(name: string, ready: string, labels: object = EDGE): object {
  const metadata = { name, labels };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata,
    status: { conditions: [{ type: "Ready", status: ready }] },
  };
}

/** Counts what is asked; KubeEdge's API group is there from the `after`th question on. */
function withKubeEdge(kube: WatchingConnection, after = 1) {
  const asked: string[] = [];
  const there: WatchingConnection = {
    ...kube,
    request: (call) => {
      asked.push(call.path);
      const looks = asked.filter((path) => path === GROUP).length;
      return call.path === GROUP && looks >= after ? Promise.resolve({}) : kube.request(call);
    },
  };
  return { there, asked };
}

function run(kube: WatchingConnection) {
  const warnings: string[] = [];
  const facts = makeClusterFacts(kube, {
    namespace: "kubeedge",
    secretNamespaces: ["kubeedge", "elsewhere"],
    times: TIMES,
    absentMillis: 50,
    monotonicMillis: () => performance.now(),
    random: Math.random,
    log: pino({ level: "warn" }, { write: (line) => warnings.push(line) }),
  });
  const stop = new AbortController();
  const running = facts.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const prepull = createPrepull({
    settings: { mode: "enforce", warnOnly: new Set(), controllers: new Set() },
    facts: () => facts.read(),
  });
  const judge = async (template: Parameters<typeof jobWith>[0]): Promise<string> => {
    const parsed = parseReview(jobReviewBody(jobWith(template)));
    if (parsed.kind === "bad" || !("job" in parsed.review)) throw new Error("expected a review of a job");
    const verdict = await prepull(parsed.review, new AbortController().signal);
    return verdict.kind === "allow"
      ? `accepted ${verdict.audit["rules"] ?? ""}`.trim()
      : `refused ${verdict.audit["rules"]}`;
  };
  return { facts, judge, warnings: () => warnings.filter((line) => line.includes('"what":"Nodes"')) };
}

const patient = { timeout: 30_000, interval: 20 };

test("a job is judged by the nodes as they are, by nothing while they are out of reach, and by them again", async () => {
  const { kube, wire, must } = await startCluster();
  await must("POST", "/api/v1/nodes", node("edge1", "False"));
  await must("POST", "/api/v1/nodes", node("cloud1", "True", {}));
  const { there, asked } = withKubeEdge(kube);
  const { facts, judge, warnings } = run(there);
  const both = { nodeNames: ["edge1", "cloud1"] };
  await expect.poll(async () => judge(both), patient).toBe("refused nodes-unusable");
  await must("PUT", "/api/v1/nodes/edge1/status", node("edge1", "True"));
  await expect.poll(async () => judge({}), patient).toBe("accepted");
  expect(await judge(both)).toBe("accepted node-not-edge,tolerance-exceeded");

  // Longer than all watches: the facts stay while the API server answers.
  await new Promise((resolve) => setTimeout(resolve, TIMES.staleMillis + 500));
  expect(await judge({ nodeNames: ["cloud1"] })).toBe("refused nodes-unusable");

  expect(warnings()).toEqual([]);

  wire.cut(true);
  await must("DELETE", "/api/v1/nodes/edge1");
  await expect.poll(() => facts.read().nodes, patient).toBeUndefined();
  expect(warnings()).toHaveLength(1);
  const before = asked.length;
  const beganMillis = performance.now();
  expect(await judge({ nodeNames: ["cloud1"] })).toBe("accepted");
  expect(performance.now() - beganMillis).toBeLessThan(5_000);
  expect(asked.length).toBe(before);
  wire.cut(false);
  await expect.poll(async () => judge({}), patient).toBe("refused nodes-unusable");
  expect([...(facts.read().nodes?.keys() ?? [])]).toEqual(["cloud1"]);
});

test("Secrets are known by their form, and only where they may be read", async () => {
  const { kube, must } = await startCluster();
  const secret = (name: string, content: object) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    type: "Opaque",
    data: { ".dockerconfigjson": Buffer.from(JSON.stringify(content)).toString("base64") },
  });
  const secrets = "/api/v1/namespaces/kubeedge/secrets";
  await must("POST", secrets, secret("good", { username: "u", password: "hidden" }));
  await must("POST", secrets, secret("docker", { auths: {} }));
  const { facts, judge } = run(withKubeEdge(kube).there);
  const judged = async (imageSecrets: string) => judge({ nodeNames: ["edge1"], imageSecrets });
  await expect.poll(() => facts.read().secrets.size, patient).toBe(1);
  await must("POST", "/api/v1/nodes", node("edge1", "True"));
  await expect.poll(async () => judged("kubeedge/good"), patient).toBe("accepted");
  expect(await judged("kubeedge/docker")).toBe("accepted secret-auths");
  expect(await judged("kubeedge/none")).toBe("accepted secret-missing");
  // The API server refuses to list these: unknown, so nothing is said.
  expect(await judged("elsewhere/none")).toBe("accepted");
  expect(facts.read().secrets.get("kubeedge")).toEqual(
    new Map([
      ["docker", "auths"],
      ["good", "flat"],
    ]),
  );
  await must("DELETE", `${secrets}/good`);
  await expect.poll(async () => judged("kubeedge/good"), patient).toBe("accepted secret-missing");
});

test("without KubeEdge nothing is watched, until it comes", async () => {
  const { kube, must } = await startCluster();
  await must("POST", "/api/v1/nodes", node("edge1", "True"));
  const { there, asked } = withKubeEdge(kube, 4);
  const { facts } = run(there);
  await expect.poll(() => facts.read().nodes?.size, patient).toBe(1);
  expect(asked.slice(0, 5)).toEqual([...Array.from({ length: 4 }, () => GROUP), "/api/v1/nodes"]);
});

test("what can't be read is unknown, never off and never missing", async () => {
  const { kube, must } = await startCluster();
  await must("POST", "/api/v1/nodes", node("edge1", "True"));
  const { facts } = run(withKubeEdge(kube).there);
  await expect.poll(() => facts.read().nodes?.size, patient).toBe(1);
  const { nodes: _nodes, secrets: _secrets, ...switches } = facts.read();
  const { nodes: _none, secrets: _nothing, ...unknown } = NO_FACTS;
  expect(switches).toEqual(unknown);
});

const CLOUDCORE = {
  metadata: { name: "cloudcore" },
  data: { "cloudcore.yaml": "modules: {taskManager: {enable: true}}" },
};
const MANAGER = { metadata: { name: "kubeedge-controller-manager" } };

test.each<[string, readonly object[], readonly object[], object]>([
  // Most likely it is in another namespace.
  ["neither", [], [], { cloudTaskManager: "unknown", controllerManager: "unknown" }],
  ["cloudcore alone", [CLOUDCORE], [], { cloudTaskManager: "on", controllerManager: "missing" }],
  ["both", [CLOUDCORE], [{ ...MANAGER, status: { readyReplicas: 1 } }], { controllerManager: "ready" }],
  ["a controller-manager alone", [], [MANAGER], { controllerManager: "not-ready" }],
])("KubeEdge's namespace with %s", async (_what, configMaps, deployments, expected) => {
  const lists: Readonly<Record<string, object>> = {
    "/api/v1/nodes": { kind: "NodeList", items: [] },
    "/api/v1/namespaces/kubeedge/configmaps": { kind: "ConfigMapList", items: configMaps },
    "/apis/apps/v1/namespaces/kubeedge/deployments": { kind: "DeploymentList", items: deployments },
    "/api/v1/namespaces/kubeedge/secrets": { kind: "SecretList", items: [] },
    "/api/v1/namespaces/elsewhere/secrets": { kind: "SecretList", items: [] },
  };
  const { facts } = run({
    server: "https://test",
    namespace: undefined,
    request: ({ path }) => Promise.resolve({ ...lists[path], metadata: { resourceVersion: "1" } }),
    async *watch({ signal }) {
      yield* [];
      if (!signal.aborted) await once(signal, "abort");
    },
    clockOffsetMillis: () => 0,
    close: () => Promise.resolve(),
  });
  await expect.poll(() => facts.read().secrets.size).toBe(2);
  expect(facts.read()).toMatchObject(expected);
});
