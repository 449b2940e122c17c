/** ImagePrePullJobs on a real API server, with a CRD of KubeEdge's fields and the webhook as helm installs it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { bringKubeEdge, job, kubectlIn, timeoutPatch, waitForNodes, type KubeEdge } from "./kubeedge.ts";
import { installNodelatch } from "./nodelatch.ts";

const FINALIZER = "kubeedge.io/prepull-test";
const HEAD = 'admission webhook "prepull.nodelatch.io" denied the request: ';

let cluster: Cluster;
let kubeEdge: KubeEdge;

const send = async (argv: readonly string[], input?: string) => kubectlIn(cluster, argv, input);
const create = async (text: string, ...argv: readonly string[]) => send(["create", "-f", "-", ...argv], text);
const TIMEOUT_PATH = "{.spec.imagePrePullTemplate.timeoutSeconds}";
const TIMEOUT_ERROR =
  "spec.imagePrePullTemplate.timeoutSeconds: Invalid value: -1: must be an integer from 0 to 4294967295 (Go uint32); " +
  "KubeEdge would stop every ImagePrePullJob of the cluster, as nothing can list them any more, and its " +
  "controller-manager would crash at the next restart; e.g. timeoutSeconds: 300, concurrency: 5, retryTimes: 2";

/** The whole refusal of a job with timeoutSeconds -1. */
const refusalOf = (name: string): string =>
  `${HEAD}ImagePrePullJob.operations.kubeedge.io "${name}" is invalid: ${TIMEOUT_ERROR}`;

beforeAll(async () => {
  cluster = await openTestCluster();
  // Registered before there is a CRD.
  await installNodelatch(cluster);
  // Nothing is registered while jobs of old are made.
  await installNodelatch(cluster, ["prepull.mode=off"]);
  kubeEdge = await bringKubeEdge(cluster);
  for (const name of ["old-deleted", "old-held", "old-cured"]) {
    await cluster.kubectl(["create", "-f", "-"], { input: job(name, { timeoutSeconds: -1 }) });
  }
  const finalizers = JSON.stringify({ metadata: { finalizers: [FINALIZER] } });
  await cluster.kubectl(["patch", "imageprepulljob", "old-held", "--type=merge", "-p", finalizers]);
  await installNodelatch(cluster);
  await waitForNodes(cluster);
}, 600_000);

afterAll(async () => {
  await cluster.tryKubectl([
    "patch",
    "imageprepulljob",
    "old-held",
    "--type=merge",
    "-p",
    '{"metadata":{"finalizers":null}}',
  ]);
  await kubeEdge.close();
}, 400_000);

test("jobs of old that nothing can list can still be labelled, cured and deleted", async () => {
  const before = await kubeEdge.listTyped();
  expect(before.code).toBe(1);
  expect(before.stderr).toContain("cannot unmarshal number -1 into Go struct field");

  const label = ["label", "imageprepulljobs", "old-deleted", "old-held", "old-cured", "team=a"];
  expect(await send(label)).toMatchObject({ code: 0 });
  expect(await send(["delete", "imageprepulljob", "old-deleted"])).toMatchObject({ code: 0 });
  expect(await send(["delete", "imageprepulljob", "old-held", "--wait=false"])).toMatchObject({ code: 0 });
  const strip = ["--type=merge", "-p", '{"metadata":{"finalizers":null}}'];
  expect(await send(["patch", "imageprepulljob", "old-held", ...strip])).toMatchObject({ code: 0 });
  expect(await send(["get", "imageprepulljob", "old-held"])).toMatchObject({ code: 1 });
  const cure = ["patch", "imageprepulljob", "old-cured", "--type=merge", "-p"];
  expect(await send([...cure, timeoutPatch(-2)])).toMatchObject({ code: 1 });
  expect(await send([...cure, timeoutPatch(60)])).toEqual({
    code: 0,
    stdout: "imageprepulljob.operations.kubeedge.io/old-cured patched",
    stderr: "",
  });
  expect(await kubeEdge.listTyped()).toEqual({ code: 0, names: ["old-cured"], stderr: "" });
});

test.each(["v1alpha1", "v1alpha2"])("%s: a good job is taken, a bad one refused", async (version) => {
  const good = await create(job(`good-${version}`, {}, version));
  const stdout = `imageprepulljob.operations.kubeedge.io/good-${version} created`;
  expect(good).toEqual({ code: 0, stdout, stderr: "" });
  const bad = await create(job("bad", { timeoutSeconds: -1 }, version));
  expect(bad).toEqual({
    code: 1,
    stdout: "",
    stderr: `The request is invalid: error when creating "STDIN": ${refusalOf("bad")}`,
  });
});

test("all errors and warnings of a spec at once", async () => {
  const template = { images: ["nginx", "bad image"], nodeNames: ["node1", "node1"], timeoutSeconds: -1 };
  const { stderr } = await create(job("many", template));
  expect(stderr.split("\n")).toEqual([
    'Warning: nodelatch: images[0] "nginx": a node that has one keeps it, however old; give a fixed tag or digest',
    `The request is invalid: error when creating "STDIN": ${HEAD}ImagePrePullJob.operations.kubeedge.io "many" is invalid:`,
    `* ${TIMEOUT_ERROR}`,
    '* spec.imagePrePullTemplate.images[1]: Invalid value: "bad image": must be an image reference: ' +
      "[registry/]name[:tag][@digest]; KubeEdge would fail every node with `invalid reference format`; " +
      'e.g. images: ["registry.example.com/team/app:1.2.3"]',
    '* spec.imagePrePullTemplate.nodeNames[1]: Duplicate value: "node1": already at nodeNames[0]; KubeEdge would ' +
      "pull twice and leave the second entry, and so the job, InProgress for ever; " +
      'e.g. nodeNames: ["edge1", "edge2"]',
  ]);
});

test.each<[string, readonly string[]]>([
  ["create --dry-run=server", ["create", "--dry-run=server", "-f", "-"]],
  ["apply", ["apply", "-f", "-"]],
  ["apply --server-side", ["apply", "--server-side", "--force-conflicts", "-f", "-"]],
  ["replace", ["replace", "-f", "-"]],
])("kubectl %s with a bad number is refused, and changes nothing", async (_name, argv) => {
  const name = argv.includes("create") ? "new" : "written";
  if (name === "written") await cluster.kubectl(["apply", "-f", "-"], { input: job(name) });
  const { code, stderr } = await send(argv, job(name, { timeoutSeconds: -1 }));
  expect(code).toBe(1);
  expect(stderr).toContain(refusalOf(name));
  const stored = await send(["get", "imageprepulljob", name, `-o=jsonpath=${TIMEOUT_PATH}`]);
  expect(stored.stdout).toBe(name === "written" ? "300" : "");
});

test.each<[string, readonly string[]]>([
  ["merge", ["--type=merge", "-p", timeoutPatch(-1)]],
  [
    "json",
    ["--type=json", "-p", '[{"op":"replace","path":"/spec/imagePrePullTemplate/timeoutSeconds","value":-1}]'],
  ],
])("kubectl patch --type=%s with a bad number is refused, with a good one taken", async (_type, patch) => {
  await cluster.kubectl(["apply", "-f", "-"], { input: job("written") });
  const argv = ["patch", "imageprepulljob", "written", ...patch];
  expect(await send(argv)).toEqual({
    code: 1,
    stdout: "",
    stderr: `The request is invalid: ${refusalOf("written")}`,
  });
  const good = argv.map((word) => word.replace("-1", "60"));
  expect(await send(good)).toMatchObject({ code: 0 });
  expect(await timeoutOf("written")).toBe("60");
});

test("kubectl edit with a bad number is refused", async () => {
  await cluster.kubectl(["apply", "-f", "-"], { input: job("written") });
  const admin = await cluster.userKubeconfig({ name: "prepull-admin", groups: ["system:masters"] });
  const done = await cluster.exec("node1", [
    "env",
    `KUBECONFIG=${admin}`,
    "KUBE_EDITOR=sed -i s/timeoutSeconds:.300/timeoutSeconds:\\ -1/",
    cluster.info.kubectl,
    "edit",
    "imageprepulljob",
    "written",
    "--server",
    "https://10.96.0.1:443",
    "--tls-server-name=kubernetes",
  ]);
  const said = `${done.stdout}${done.stderr}`;
  // kubectl edit shows no more of a webhook's refusal than this.
  expect(said).toContain('imageprepulljobs.operations.kubeedge.io "written" is invalid');
  expect(await timeoutOf("written")).toBe("300");
});

test("a status that is set back, and a write through v1alpha1, are refused once the job runs", async () => {
  await cluster.kubectl(["apply", "-f", "-"], { input: job("running") });
  const status = ["patch", "imageprepulljob", "running", "--subresource=status", "--type=merge", "-p"];
  expect(await send([...status, '{"status":{"phase":"InProgress"}}'])).toMatchObject({ code: 0 });
  const back = await send([...status, '{"status":{"phase":""}}']);
  expect(back.code).toBe(1);
  expect(back.stderr).toContain("status.phase: Invalid value");
  const spec = ["patch", "imageprepulljob", "running", "--type=merge", "-p"];
  const frozen = await send([...spec, '{"spec":{"imagePrePullTemplate":{"nodeNames":["node2"]}}}']);
  expect(frozen.stderr).toContain("the job is InProgress; nodeNames can't change any more");
  expect(await send([...spec, timeoutPatch(30)])).toMatchObject({ code: 0 });
  // The API server tells managedFields of v1alpha2's status, so this write would lose it.
  const old = ["annotate", "imageprepulljobs.v1alpha1.operations.kubeedge.io", "running", "a=b"];
  expect((await send(old)).stderr).toContain("this write came through v1alpha1");
  expect(await send(["annotate", "imageprepulljob", "running", "a=b"])).toMatchObject({ code: 0 });
});

test("of many jobs, good and bad, a typed client can list all that were taken", async () => {
  const numbers = ["concurrency", "timeoutSeconds", "retryTimes"];
  const values = [-1, 0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_295, 4_294_967_296, -2_147_483_649];
  const jobs = numbers.flatMap((field) =>
    values.map((value, at) => job(`typed-${field.toLowerCase()}-${at}`, { [field]: value })),
  );
  const { stdout, stderr } = await create(jobs.join("\n"));
  const taken = [...stdout.matchAll(/\/(typed-\S+) created/g)].map(([, name = ""]) => name);
  const refused = [...stderr.matchAll(/"(typed-\S+)" is invalid/g)].map(([, name = ""]) => name);
  expect(taken.length + refused.length).toBe(jobs.length);
  // timeoutSeconds takes 0 to 4294967295, the others 0 to 2147483647.
  expect(taken).toHaveLength(3 + 5 + 3);
  const listed = await kubeEdge.listTyped();
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.names).toEqual(expect.arrayContaining(taken));
});

async function timeoutOf(name: string): Promise<string> {
  return cluster.kubectl(["get", "imageprepulljob", name, `-o=jsonpath=${TIMEOUT_PATH}`]);
}
