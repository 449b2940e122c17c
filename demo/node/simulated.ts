/** A node in a scratch folder, whose runtime is in memory behind a real socket. Needs neither root nor Linux. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { runCniCommand } from "../../daemonset/cni-commands.ts";
import { cacheText } from "../../daemonset/cni/testing/cache-text.ts";
import { realTime } from "../../daemonset/host/time.ts";
import { runOnce } from "../../daemonset/one-shot.ts";
import { textAt } from "../../daemonset/runtime/testing/shape.ts";
import type { TestPod } from "../../daemonset/runtime/testing/cri-driver.ts";
import { AGENT_UID, AgentKit, OTHER_BOOT_ID } from "../../daemonset/testing/agent-kit.ts";
import type { AgentCommand, DemoNode } from "./demo-node.ts";

const NETWORK = "k8s-pod-network";
const FLAGS = ["--cni-leases=on", "--cni-caches=on", "--cni-sandbox-repair=on"];
const AGENT: TestPod = { uid: AGENT_UID, namespace: "nodelatch-system", name: "nodelatch-agent" };
/** As CRI writes states. */
const NOT_READY = 1;
const RUNNING = 1;
const EXITED = 2;

export async function simulatedNode(): Promise<DemoNode> {
  const kit = await AgentKit.open();
  const { fake, driver, own } = await kit.runtime();
  const at = (hostPath: string): string => join(kit.folder, hostPath);
  const write = (hostPath: string, text: string): void => {
    mkdirSync(dirname(at(hostPath)), { recursive: true });
    writeFileSync(at(hostPath), text);
  };
  const directory = `/var/lib/cni/networks/${NETWORK}`;
  const leases = (): ReadonlyMap<string, string> =>
    new Map(
      readdirSync(at(directory))
        .filter((name) => /^[0-9.]+$/.test(name))
        .map((name) => [name, readFileSync(join(at(directory), name), "utf8").split("\r\n", 1)[0] ?? ""]),
    );
  let last = 1;
  /** As host-local writes it. */
  const reserve = (id: string): string => {
    last += 1;
    write(`${directory}/10.42.0.${last}`, `${id}\r\neth0`);
    return `10.42.0.${last}`;
  };
  const ipam = { type: "host-local", subnet: "10.42.0.0/24" };
  write(
    "/etc/cni/net.d/10-pods.conflist",
    JSON.stringify({ name: NETWORK, plugins: [{ type: "bridge", ipam }] }),
  );
  await driver.runSandbox(AGENT, 0);
  return {
    about:
      "A node in a scratch folder: a containerd in memory behind a real socket, real files, the agent's real code.",
    driver,
    leases,
    async runPod(pod, attempt) {
      const id = await driver.runSandbox(pod, attempt);
      write(
        `/var/lib/cni/results/${NETWORK}-${id}-eth0`,
        cacheText({ id, network: NETWORK, addresses: [reserve(id)] }),
      );
      return id;
    },
    async stopPod(id) {
      await driver.stopSandbox(id);
      for (const [address, owner] of leases()) if (owner === id) rmSync(at(`${directory}/${address}`));
      rmSync(at(`/var/lib/cni/results/${NETWORK}-${id}-eth0`), { force: true });
    },
    async endedSandboxes() {
      return [...fake.sandboxes.values()]
        .filter(({ state }) => state === NOT_READY)
        .map(({ id, config }) => ({ id, pod: textAt(config, "metadata", "name") }));
    },
    async cutWhileStarting(pods, midway) {
      const ids = pods.map(() => randomBytes(32).toString("hex"));
      for (const id of ids) {
        // containerd's own list has it, CRI's does not.
        own.containers.add(id);
        reserve(id);
        write(`/var/lib/cni/results/cni-loopback-${id}-lo`, cacheText({ id, network: "cni-loopback" }));
      }
      await midway();
      // containerd 1.7.24 forgets a sandbox that a cut caught in ADD, without calling DEL.
      own.containers.clear();
      for (const sandbox of fake.sandboxes.values()) sandbox.state = NOT_READY;
      for (const container of fake.containers.values()) {
        if (container.state === RUNNING) container.state = EXITED;
      }
      kit.bootID = OTHER_BOOT_ID;
      await driver.runSandbox(AGENT, 1);
    },
    async agent(command: AgentCommand) {
      const printed: string[] = [];
      const common = {
        config: kit.config(FLAGS),
        world: kit.world(realTime),
        log: pino({ level: "silent" }),
        print: (text: string) => void printed.push(text),
        signal: new AbortController().signal,
      };
      const code =
        command === "boot"
          ? await runOnce({ ...common, phase: "boot" })
          : await runCniCommand({ ...common, command, words: [] });
      return { code, text: printed.join("\n") };
    },
    close: async () => kit.close(),
  };
}
