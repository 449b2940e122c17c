/** The embedded API server with the real webhook behind it, people with kubeconfigs, and nodes. */
import { MASTERS } from "../../test/simulated/access/user.ts";
import { nodeFixture } from "../../test/simulated/node-fixture.ts";
import { startStage, type Stage } from "../../test/simulated/stage.ts";
import { run, type Ran, type RunOptions } from "./cli-kit.ts";

export const BOOT = "b0070000-0000-4000-8000-000000000001";

export class StageKit {
  readonly stage: Stage;
  readonly #files: ReadonlyMap<string, string>;

  private constructor(stage: Stage, files: ReadonlyMap<string, string>) {
    this.stage = stage;
    this.#files = files;
  }

  static async start(): Promise<StageKit> {
    const admins = ["alice", "bob", "carol"].map((username) => ({ username, groups: [MASTERS] }));
    // Writes nodes and reads Events, but no Pods, Secrets or configurations, and may break no lock.
    const stage = await startStage({ users: [...admins, { username: "dave", groups: ["node-writers"] }] });
    const files = new Map<string, string>();
    for (const user of ["alice", "bob", "carol", "dave"]) files.set(user, await stage.kubeconfigFile(user));
    return new StageKit(stage, files);
  }

  fileOf(user: string): string {
    return this.#files.get(user) ?? "";
  }

  /** Runs a line as one of them; words in double quotes stay together. */
  async as(user: string, line: string, options: RunOptions = {}): Promise<Ran> {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    return run([...words, "--kubeconfig", this.fileOf(user)], options);
  }

  async makeNode(
    name: string,
    part: { unschedulable?: boolean; annotations?: Record<string, string> } = {},
  ): Promise<void> {
    const body = nodeFixture({ name, bootID: BOOT, ...part });
    await this.#create("/api/v1/nodes", body);
  }

  async makePod(name: string, nodeName: string, kind: string): Promise<void> {
    const owner = { apiVersion: "apps/v1", kind, name: "x", uid: "u", controller: true };
    await this.#create("/api/v1/namespaces/default/pods", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, ownerReferences: [owner] },
      spec: { nodeName, containers: [{ name: "c", image: "i" }] },
      status: { phase: "Running" },
    });
  }

  async #create(path: string, body: unknown): Promise<void> {
    const answer = await this.stage.client.send({ method: "POST", path, body });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  }
}
