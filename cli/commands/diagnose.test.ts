import { expect, test } from "vitest";
import { KubeError } from "../../kube/failure.ts";
import type { KubeConnection } from "../../kube/call.ts";
import { rawJob, specWith } from "../../prepull/fixture.ts";
import { parseArguments } from "../arguments.ts";
import type { Context } from "../command.ts";
import { diagnose } from "./diagnose.ts";

type Answers = Readonly<Record<string, unknown>>;

const JOBS = "/apis/operations.kubeedge.io/v1alpha2/imageprepulljobs";
const STATUS = { phase: "InProgress", nodeStatus: [{ nodeName: "edge1", phase: "Pending" }] };
const READ: Answers = {
  [JOBS]: list("ImagePrePullJobList", [{ ...rawJob({ status: STATUS }) }]),
  "/api/v1/namespaces/kubeedge/configmaps/cloudcore": {
    data: { "cloudcore.yaml": "modules: {taskManager: {enable: false}}" },
  },
  "/apis/apps/v1/namespaces/kubeedge/deployments": list("DeploymentList", []),
  "/api/v1/nodes": list("NodeList", [{ metadata: { name: "edge1" } }]),
  "/api/v1/namespaces/default/events": list("EventList", []),
};

function list(kind: string, items: readonly unknown[]): unknown {
  return { kind, metadata: {}, items };
}

/** Answers what it has; "403" is refused, the rest not found. */
function kubeWith(answers: Answers): KubeConnection {
  return {
    server: "https://test",
    namespace: undefined,
    request: ({ doing, path }) => {
      const answer = answers[path];
      if (answer !== undefined && answer !== "403") return Promise.resolve(answer);
      const kind = answer === "403" ? "forbidden" : "not-found";
      return Promise.reject(new KubeError(doing, { kind, sentence: `${kind}: ${path}` }));
    },
    clockOffsetMillis: () => 0,
    close: () => Promise.resolve(),
  };
}

async function run(answers: Answers, ...argv: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const context: Context = {
    terminal: { out: (line) => out.push(line), err: (line) => err.push(line), colors: false },
    cluster: () => Promise.resolve({ kube: kubeWith(answers), context: "test" }),
    namespace: undefined,
    version: "0",
    wallMillis: () => Date.parse("2026-11-21T13:00:00Z"),
    monotonicMillis: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal: new AbortController().signal,
  };
  const code = await diagnose.run(parseArguments(diagnose.spec, argv), context);
  return { code, out, err };
}

test("causes with evidence and the next command", async () => {
  const { code, out, err } = await run(READ, "prepull", "pull1");
  expect({ code, err }).toEqual({ code: 1, err: [] });
  expect(out).toEqual([
    "1. cloudcore's task manager is off [task-manager-off]",
    "   - 1 of 1 nodes are Pending",
    "   - cloudcore's modules.taskManager.enable is off",
    "   next: kubectl edit configmap -n kubeedge cloudcore, restart cloudcore, and create the job again under another name",
  ]);
});

test("for programs", async () => {
  const { out } = await run(READ, "prepull", "pull1", "-o", "json");
  expect(JSON.parse(out.join("\n"))).toMatchObject({
    apiVersion: "cli.nodelatch.io/v1",
    kind: "PrepullDiagnosis",
    job: "pull1",
    causes: [{ cause: "task-manager-off", sure: true, meaning: "cloudcore's task manager is off" }],
    unread: [],
  });
});

test("what may not be read is said, and not held against the job", async () => {
  const forbidden = Object.fromEntries(Object.keys(READ).map((path) => [path, "403"]));
  const spec = specWith({ imageSecrets: "apps/login" });
  const answers = {
    ...forbidden,
    [JOBS]: list("ImagePrePullJobList", [rawJob({ spec, status: STATUS })]),
    "/api/v1/namespaces/apps/secrets/login": "403",
  };
  const { out, err } = await run(answers, "prepull", "pull1");
  expect(out[0]).toBe("1. nothing speaks against it; it is at work [in-progress]");
  expect(new Set(err.map((line) => line.split(":")[1]))).toEqual(
    new Set([" Deployments", " Events", " Nodes", " Secret apps/login", " cloudcore's ConfigMap"]),
  );
});

test("a namespace without anything of KubeEdge says nothing", async () => {
  const job = rawJob({ metadata: { creationTimestamp: "2026-11-21T12:00:00Z" } });
  const answers = { ...READ, [JOBS]: list("ImagePrePullJobList", [job]) };
  expect((await run(answers, "prepull", "pull1")).out[0]).toContain("[controller-manager-missing]");
  const elsewhere = {
    ...answers,
    "/apis/apps/v1/namespaces/edge/deployments": list("DeploymentList", []),
  };
  const { out } = await run(elsewhere, "prepull", "pull1", "--kubeedge-namespace=edge");
  expect(out[0]).toContain("[not-taken-up]");
});

test("a poisonous job beside it comes first", async () => {
  const poison = rawJob({ metadata: { name: "poison" }, spec: specWith({ timeoutSeconds: -1 }) });
  const answers = { ...READ, [JOBS]: list("ImagePrePullJobList", [poison, rawJob({ status: STATUS })]) };
  const { out } = await run(answers, "prepull", "pull1");
  expect(out[0]).toContain("[poison-elsewhere]");
});

test("a Secret's form is evidence", async () => {
  const spec = specWith({ imageSecrets: "apps/login" });
  const reason = "unexpected status code: 401 Unauthorized";
  const failed = {
    nodeName: "edge1",
    phase: "Failure",
    actionFlow: [{ action: "Pull", status: "False", reason }],
  };
  const answers = {
    ...READ,
    [JOBS]: list("ImagePrePullJobList", [
      rawJob({ spec, status: { phase: "Failure", nodeStatus: [failed] } }),
    ]),
    "/api/v1/namespaces/apps/secrets/login": {
      data: { ".dockerconfigjson": Buffer.from('{"auths":{}}').toString("base64") },
    },
  };
  const { out } = await run(answers, "prepull", "pull1");
  expect(out).toContain(
    "   - imageSecrets: apps/login has the form with auths, which KubeEdge reads as empty",
  );
});

test("what can't be diagnosed", async () => {
  await expect(run(READ, "prepull", "pull9")).rejects.toThrow("ImagePrePullJob pull9 does not exist");
  await expect(run({}, "prepull", "pull1")).rejects.toThrow("KubeEdge's CRD is not installed");
  await expect(run(READ, "node", "n1")).rejects.toThrow('"node" is not known; expected prepull NAME');
  await expect(run({ [JOBS]: "403" }, "prepull", "pull1")).rejects.toThrow(
    "list ImagePrePullJobs: forbidden",
  );
});
