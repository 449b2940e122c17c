/** The agent's DaemonSet on one node of a cluster, asked on the node itself. */
import type { Cluster } from "./cluster/cluster.ts";
import { AGENT, installNodelatch, NAMESPACE, rolledOut } from "./nodelatch.ts";
import { waitFor } from "./process/wait-for.ts";

/** Values for a release without the three minutes of passes that it else waits for. */
export const PASSES_OFF = [
  "agent.containers.boot=off",
  "agent.containers.steady=off",
  "agent.cni.leases=off",
  "agent.cni.caches=off",
  "agent.cni.sandboxRepair=off",
];

/** A program as it ended, with what it printed on both outputs. */
export interface Ran {
  readonly code: number;
  readonly out: string;
}

const SELECTOR = "app.kubernetes.io/name=nodelatch,app.kubernetes.io/component=agent";

export class InstalledAgent {
  readonly #cluster: Cluster;
  readonly #node: string;

  constructor(cluster: Cluster, node: string) {
    this.#cluster = cluster;
    this.#node = node;
  }

  async install(values: readonly string[] = []): Promise<void> {
    await installNodelatch(this.#cluster, ["agent.enabled=true", ...values]);
    await this.waitUntilReady();
  }

  async waitUntilReady(): Promise<void> {
    await rolledOut(this.#cluster, AGENT, 240);
    await waitFor(
      "the agent to be ready",
      async () => {
        const report = await this.readyz();
        return report.includes("readyz check passed")
          ? { done: true, value: undefined }
          : { done: false, seen: report };
      },
      { deadlineMillis: 150_000 },
    );
  }

  async restarts(): Promise<string> {
    const path = "-o=jsonpath={.items[*].status.containerStatuses[0].restartCount}";
    return this.#cluster.kubectl(["get", "pods", "-n", NAMESPACE, "-l", SELECTOR, path]);
  }

  async readyz(): Promise<string> {
    return this.#ask("/readyz?verbose");
  }

  async livez(): Promise<string> {
    return this.#ask("/livez");
  }

  /** Value of the series that matches; undefined if there is none. */
  async metric(series: string): Promise<number | undefined> {
    const found = new RegExp(`^${series} (\\S+)$`, "m").exec(await this.#ask("/metrics"));
    return found?.[1] === undefined ? undefined : Number(found[1]);
  }

  /** The gate's script, as root on the node runs it. */
  async verify(...words: readonly string[]): Promise<Ran> {
    const argv = ["/bin/sh", "/run/nodelatch/verify", ...words];
    const { code, stdout, stderr } = await this.#cluster.exec(this.#node, argv);
    return { code: code ?? -1, out: `${stdout}${stderr}`.trim() };
  }

  /** Also answered while nobody else can be reached. */
  async #ask(path: string): Promise<string> {
    const script = "fetch(process.argv[1]).then(async (answer) => process.stdout.write(await answer.text()))";
    const url = `http://127.0.0.1:9478${path}`;
    const { stdout, stderr } = await this.#cluster.exec(this.#node, [process.execPath, "-e", script, url]);
    return stdout === "" ? stderr : stdout;
  }
}
