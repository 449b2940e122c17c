import { readFile, rename, writeFile } from "node:fs/promises";
import { fields, text } from "../config/plan.ts";

/** What a test needs to find a running cluster: the content of cluster.json. */
export interface ClusterInfo {
  readonly id: string;
  readonly workFolder: string;
  /** The API server as reached from this machine, `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** Kubeconfig of a system:masters user. */
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly helm: string;
  /** Names of the real nodes. */
  readonly nodes: readonly string[];
}

/** Environment variable that hands cluster.json's path to test files. */
export const infoVariable = "NODELATCH_CLUSTER";

export async function writeInfo(file: string, info: ClusterInfo): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(info, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** Reads cluster.json. Throws when the file is missing (the cluster is gone) or a field is. */
export async function readInfo(file: string): Promise<ClusterInfo> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (cause) {
    throw new Error(`no cluster behind ${file}: start one with npm run test:cluster -- --up`, { cause });
  }
  const raw: unknown = JSON.parse(content);
  const info = fields(raw, file);
  const nodes: unknown = info["nodes"];
  if (!Array.isArray(nodes)) throw new Error(`${file}: nodes: expected a list`);
  const field = (name: string): string => text(info[name], `${file}: ${name}`);
  return {
    id: field("id"),
    workFolder: field("workFolder"),
    server: field("server"),
    kubeconfig: field("kubeconfig"),
    kubectl: field("kubectl"),
    helm: field("helm"),
    nodes: nodes.map((node: unknown, index) => text(node, `${file}: nodes[${index}]`)),
  };
}
