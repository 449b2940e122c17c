/**
 * A test cluster's machine as kured sees its host: commands run from kured's pod in the host's mount namespace, and a
 * reboot is a power cut.
 */
import { KURED_NAMESPACE } from "../kured/options.ts";
import type { HostResult, KuredHost } from "../kured/kured.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { KURED_CONTAINER } from "./kured-world.ts";
import { waitFor } from "./process/wait-for.ts";

/** The machine has no systemd: whoever reboots it leaves this file, on a disk in memory. */
const ASKED = "/run/kured-reboot";
export const REBOOT_COMMAND = `touch ${ASKED}`;
/**
 * As kured puts it before its command (kubereboot/kured pkg/reboot/command.go): of the host it enters the mount namespace
 * alone. Its image is Alpine's, so its nsenter is busybox's too.
 */
const ON_HOST = ["/bin/busybox", "nsenter", "-m/proc/1/ns/mnt", "--"] as const;
/** Longer than `verify` waits. */
const COMMAND_MILLIS = 150_000;

export class KuredMachine implements KuredHost {
  readonly name: string;
  rebootRequired = true;
  /** Called once, at the end of kured's delay: its command runs next. */
  beforeCommand: (() => Promise<void>) | undefined;
  /** Called right before the power is cut, right after, and when kured's pod runs again. */
  onPower: (state: "going" | "off" | "on") => Promise<void> = async () => {};
  readonly results: HostResult[] = [];
  problem: unknown;
  readonly #cluster: Cluster;
  readonly #daemonSet: string;

  constructor(cluster: Cluster, name: string, daemonSet: string) {
    this.#cluster = cluster;
    this.name = name;
    this.#daemonSet = daemonSet;
  }

  readonly needsReboot = async (): Promise<boolean> => Promise.resolve(this.rebootRequired);

  readonly run = async (words: readonly string[]): Promise<HostResult> => {
    const { beforeCommand } = this;
    this.beforeCommand = undefined;
    await beforeCommand?.();
    const exec = ["exec", "-n", KURED_NAMESPACE, await this.#pod(), "-c", KURED_CONTAINER, "--"];
    const { code, stdout, stderr } = await this.#cluster.tryKubectl([...exec, ...ON_HOST, ...words], {
      timeoutMillis: COMMAND_MILLIS,
    });
    const result = { code, out: `${stdout}${stderr}`.trim() };
    this.results.push(result);
    const asked = await this.#cluster.exec(this.name, ["test", "-e", ASKED]);
    if (asked.code === 0) {
      void this.#reboot().catch((thrown: unknown) => {
        this.problem = thrown;
      });
    }
    return result;
  };

  /** Of kured's pod here. */
  async #pod(): Promise<string> {
    const of = ["-n", KURED_NAMESPACE, "-l", `name=${this.#daemonSet}`];
    const here = `--field-selector=spec.nodeName=${this.name}`;
    return this.#cluster.kubectl(["get", "pods", ...of, here, "-o=jsonpath={.items[0].metadata.name}"]);
  }

  async #reboot(): Promise<void> {
    await this.onPower("going");
    await this.#cluster.powerOff(this.name);
    await this.onPower("off");
    this.rebootRequired = false;
    const before = await this.#starts();
    await this.#cluster.powerOn(this.name);
    await waitFor(
      "kured's pod to be started again",
      async () => {
        const starts = await this.#starts();
        return starts !== before && starts !== ""
          ? { done: true, value: undefined }
          : { done: false, seen: starts };
      },
      { deadlineMillis: 240_000 },
    );
    await this.onPower("on");
  }

  /** When the container of kured's pod here was started last. */
  async #starts(): Promise<string> {
    const path = "-o=jsonpath={.items[*].status.containerStatuses[*].state.running.startedAt}";
    const of = ["-n", KURED_NAMESPACE, "-l", `name=${this.#daemonSet}`];
    return this.#cluster.kubectl(["get", "pods", ...of, path]);
  }
}
