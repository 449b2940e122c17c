/**
 * A wall clock of its own for Nodelatch's pods: Debian's libfaketime in each, whose offset is a file of the node's. So it
 * can also step. Monotonic time, files' dates, the API server and everything else keep the true time.
 */
import type { Cluster } from "./cluster/cluster.ts";
import { AGENT, NAMESPACE, rolledOut, WEBHOOK } from "./nodelatch.ts";

/** Survives a power cut. */
const FOLDER = "/var/lib/nodelatch-test-clock";
const LIBRARY = "libfaketimeMT.so.1";

const PROGRAMS = [
  { object: AGENT, container: "agent" },
  { object: WEBHOOK, container: "webhook" },
] as const;

const ENVIRONMENT = {
  LD_PRELOAD: `${FOLDER}/${LIBRARY}`,
  FAKETIME_TIMESTAMP_FILE: `${FOLDER}/offset`,
  FAKETIME_NO_CACHE: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  NO_FAKE_STAT: "1",
};

export class WrongClock {
  readonly #cluster: Cluster;
  readonly #node: string;

  constructor(cluster: Cluster, node: string) {
    this.#cluster = cluster;
    this.#node = node;
  }

  /** Restarts agent and webhook, which must be installed. */
  async begin(offsetSeconds: number): Promise<void> {
    await this.#onNode(`mkdir -p ${FOLDER} && cp /usr/lib/*/faketime/${LIBRARY} ${FOLDER}/`);
    await this.set(offsetSeconds);
    await Promise.all(
      PROGRAMS.map(async ({ object, container }) => {
        await this.#patch(object, {
          volumes: [{ name: "test-clock", hostPath: { path: FOLDER, type: "Directory" } }],
          containers: [
            {
              name: container,
              env: Object.entries(ENVIRONMENT).map(([name, value]) => ({ name, value })),
              volumeMounts: [{ name: "test-clock", mountPath: FOLDER, readOnly: true }],
            },
          ],
        });
        await rolledOut(this.#cluster, object, 240);
      }),
    );
  }

  /** How far the node's clock is ahead of the true time; the programs that run see it step at once. */
  async set(offsetSeconds: number): Promise<void> {
    const sign = offsetSeconds < 0 ? "-" : "+";
    const offset = `${sign}${Math.abs(offsetSeconds)}`;
    await this.#onNode(`echo '${offset}' >${FOLDER}/new && mv ${FOLDER}/new ${FOLDER}/offset`);
  }

  /** For the webhook; the agent is to be uninstalled. helm leaves alone what others have added. */
  async end(): Promise<void> {
    const [, { object, container }] = PROGRAMS;
    await this.#patch(object, {
      volumes: [{ name: "test-clock", $patch: "delete" }],
      containers: [
        {
          name: container,
          env: Object.keys(ENVIRONMENT).map((name) => ({ name, $patch: "delete" })),
          volumeMounts: [{ mountPath: FOLDER, $patch: "delete" }],
        },
      ],
    });
  }

  async #patch(object: string, spec: object): Promise<void> {
    const patch = JSON.stringify({ spec: { template: { spec } } });
    await this.#cluster.kubectl(["patch", "-n", NAMESPACE, object, "-p", patch]);
  }

  async #onNode(script: string): Promise<void> {
    const { code, stderr } = await this.#cluster.exec(this.#node, ["/bin/sh", "-c", script]);
    if (code !== 0) throw new Error(`set the clock of ${this.#node}: ${stderr.trim()}`);
  }
}
