/**
 * The machine under kured. It has no systemd: in the place of `systemctl reboot` stands REBOOT_COMMAND, whose file is
 * answered with a power cut and a boot.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster/cluster/cluster.ts";

const ASKED = "/run/kured-reboot";
const SENTINEL = "/run/reboot-required";
export const REBOOT_COMMAND = `touch ${ASKED}`;
const LOOK_MILLIS = 300;

export class Machine {
  /** Called right before each power cut and right after each boot. */
  onPower: (state: "going" | "on") => Promise<void> = async () => {};
  reboots = 0;
  problem: unknown;
  readonly #cluster: Cluster;
  readonly #name: string;
  readonly #over = new AbortController();
  #watch: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  /** Answers each request to reboot until closed. */
  start(): void {
    this.#watch = this.#answer().catch((thrown: unknown) => {
      if (!this.#over.signal.aborted) this.problem = thrown;
    });
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#watch;
  }

  /** /run is a disk in memory: the boot takes the sentinel away, as the package that asked for the reboot would. */
  async requireReboot(): Promise<void> {
    await this.#must(["touch", SENTINEL]);
  }

  async requireNoReboot(): Promise<void> {
    await this.#must(["rm", "-f", SENTINEL]);
  }

  /** The files' content one after the other; empty while the machine is off. */
  async read(glob: string): Promise<string> {
    try {
      return (await this.#cluster.exec(this.#name, ["/bin/sh", "-c", `cat ${glob}`])).stdout;
    } catch {
      return "";
    }
  }

  async #answer(): Promise<void> {
    for (;;) {
      await delay(LOOK_MILLIS, undefined, { signal: this.#over.signal });
      const { code } = await this.#cluster.exec(this.#name, ["test", "-e", ASKED]);
      if (code !== 0) continue;
      await this.onPower("going");
      await this.#cluster.powerOff(this.#name);
      await this.#cluster.powerOn(this.#name);
      this.reboots += 1;
      await this.onPower("on");
    }
  }

  async #must(argv: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#cluster.exec(this.#name, argv);
    if (code !== 0) throw new Error(`${argv.join(" ")} on ${this.#name}: ${stderr}`);
  }
}
