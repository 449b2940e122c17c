/** An API server that the test answers for, and kubeconfigs that lead to it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer, type ApiAnswer, type Answerer } from "../../kube/testing/api-server.ts";

export const NO_NODES: ApiAnswer = { status: 200, json: { kind: "NodeList", items: [] } };

/** As a cluster without nodes and Events answers. */
export const answerEmpty: Answerer = ({ path }) =>
  path.endsWith("/events") ? { status: 200, json: { kind: "EventList", items: [] } } : NO_NODES;

export interface Part {
  readonly user?: object;
  readonly at?: ApiServer;
  readonly url?: string;
  readonly names?: string;
  readonly cluster?: object;
}

export class KubeconfigKit {
  readonly server: ApiServer;
  readonly folder: string;

  private constructor(server: ApiServer, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  static async start(): Promise<KubeconfigKit> {
    const folder = await mkdtemp(join(tmpdir(), "nodelatch-cli-"));
    return new KubeconfigKit(await new ApiServer(answerEmpty).listen(), folder);
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.folder, { recursive: true });
  }

  /** Authorization headers so far. */
  get tokens(): readonly unknown[] {
    return this.server.requests.map(({ headers }) => headers.authorization);
  }

  /** Writes one; its path. JSON is YAML too. */
  async kubeconfig(file: string, part: Part = {}): Promise<string> {
    const { user = { token: "t" }, at = this.server, names = "main" } = part;
    const ca = Buffer.from(at.authority.certPem).toString("base64");
    const path = join(this.folder, file);
    const cluster = {
      server: part.url ?? `https://127.0.0.1:${at.port}`,
      "certificate-authority-data": ca,
      ...part.cluster,
    };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: names, cluster }],
      users: [{ name: names, user }],
      contexts: [{ name: names, context: { cluster: names, user: names } }],
      "current-context": names,
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }
}
