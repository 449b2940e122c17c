/** KubeEdge as far as its jobs show on the real cluster: the CRD, its namespace, an edge node, and a list by typed structs. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cluster } from "./cluster/cluster.ts";
import { installNodelatch } from "./nodelatch.ts";
import { run, runOrThrow } from "./process/run.ts";
import { waitFor } from "./process/wait-for.ts";

export const KUBEEDGE = "kubeedge";
const EDGE = "node-role.kubernetes.io/edge";
const CRD = "imageprepulljobs.operations.kubeedge.io";

export type Template = Readonly<Record<string, unknown>>;

/** The only real node is an edge node here: its status stays Ready by itself. */
const GOOD: Template = {
  images: ["docker.io/library/nginx:1.27"],
  nodeNames: ["node1"],
  timeoutSeconds: 300,
};

/** A manifest. */
export function jobWith(template: Template, name: string, version = "v1alpha2"): string {
  const head = { apiVersion: `operations.kubeedge.io/${version}`, kind: "ImagePrePullJob" };
  return JSON.stringify({ ...head, metadata: { name }, spec: { imagePrePullTemplate: template } });
}

/** A good one, but for what is given. */
export function job(name: string, template: Template = {}, version?: string): string {
  return jobWith({ ...GOOD, ...template }, name, version);
}

export const timeoutPatch = (seconds: number): string =>
  JSON.stringify({ spec: { imagePrePullTemplate: { timeoutSeconds: seconds } } });

/** What kubectl came to, whatever it is. */
export async function kubectlIn(cluster: Cluster, argv: readonly string[], input?: string) {
  const { code, stdout, stderr } = await cluster.tryKubectl(argv, { input });
  return { code, stdout: stdout.trim(), stderr: stderr.trim() };
}

/** Until the webhook has read the nodes: before, it knows of none that is missing. */
export async function waitForNodes(cluster: Cluster): Promise<void> {
  const input = job("probe", { nodeNames: ["ghost"] });
  await waitFor(
    "a job for a node that does not exist to be refused",
    async () => {
      const { stderr } = await kubectlIn(cluster, ["create", "-f", "-", "--dry-run=server"], input);
      return stderr.includes("no node can take it")
        ? { done: true, value: undefined }
        : { done: false, seen: stderr };
    },
    { deadlineMillis: 60_000 },
  );
}

export interface KubeEdge {
  /** Names of all jobs as KubeEdge's clients list them, or Go's own words. */
  listTyped(): Promise<{ code: number | null; names: readonly string[]; stderr: string }>;
  close(): Promise<void>;
}

/** Pods of the webhook that run already take up to a minute to find it. */
export async function bringKubeEdge(cluster: Cluster): Promise<KubeEdge> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-typed-jobs-"));
  const program = join(folder, "typed-jobs");
  await runOrThrow(["go", "build", "-o", program, "."], {
    cwd: join(import.meta.dirname, "programs", "typed-jobs"),
    env: { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-buildvcs=false -mod=readonly" },
    timeoutMillis: 300_000,
  });
  const crd = await readFile(new URL("../recorded-jobs/crd.yaml", import.meta.url), "utf8");
  await cluster.kubectl(["apply", "-f", "-"], { input: crd });
  await cluster.kubectl(["wait", "--for=condition=Established", `crd/${CRD}`, "--timeout=90s"]);
  await cluster.kubectl(["create", "namespace", KUBEEDGE]);
  await cluster.kubectl(["label", "node", "node1", `${EDGE}=`]);
  return {
    async listTyped() {
      const input = await cluster.kubectl(["get", "imageprepulljobs", "-o", "json"]);
      const { code, stdout, stderr } = await run([program], { input, timeoutMillis: 30_000 });
      return { code, names: stdout.split("\n").filter((name) => name !== ""), stderr };
    },
    async close() {
      await cluster.kubectl(["delete", "crd", CRD, "--ignore-not-found"]);
      await cluster.kubectl(["label", "node", "node1", `${EDGE}-`]);
      await cluster.kubectl(["delete", "namespace", KUBEEDGE, "--ignore-not-found"]);
      await installNodelatch(cluster);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
