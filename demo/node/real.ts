/** A node with a real containerd and real CNI plugins, in namespaces of its own on this machine. */
import { pino } from "pino";
import { setTimeout as sleep } from "node:timers/promises";
import { runCniCommand } from "../../daemonset/cni-commands.ts";
import { nodeNamespaces } from "../../daemonset/cni/liveness/node-namespaces.ts";
import { readConfig, type Config } from "../../daemonset/config.ts";
import { realTime } from "../../daemonset/host/time.ts";
import { runOnce } from "../../daemonset/one-shot.ts";
import { realWorld } from "../../daemonset/world.ts";
import { CniNode } from "../../test/node/cni/cni-node.ts";
import type { AgentCommand, DemoNode } from "./demo-node.ts";

/** It forgets a sandbox that a cut caught in CNI ADD, without calling DEL (containerd#10744). */
const LINE = "1.7";
const ADD_SECONDS = 30;
const DEADLINE_MILLIS = 20_000;

export async function realNode(): Promise<DemoNode> {
  const node = await CniNode.start({ line: LINE });
  const never = new AbortController().signal;

  const config = (): Config => {
    const read = readConfig(["--cni-leases=on", "--cni-caches=on", "--cni-sandbox-repair=on"], {
      NODELATCH_HOST_ROOT: node.root,
      NODELATCH_RUNTIME_ENDPOINT: node.containerd.socketPath,
      NODELATCH_CNI_CONF_DIRS: node.confDir,
      NODELATCH_RUN_DIR: node.at("/run/nodelatch"),
      NODELATCH_STATE_DIR: node.at("/var/lib/nodelatch"),
      NODELATCH_API: "off",
      POD_UID: node.agentPod.uid,
    });
    if (read.kind !== "run") throw new Error(`flags of the demo: ${JSON.stringify(read)}`);
    return read.config;
  };
  const world = () => ({
    ...realWorld(config(), {}),
    readBootID: async () => ({ kind: "known" as const, bootID: node.bootID }),
    // Of the node's processes alone: the machine around it has others.
    namespaces: { ...nodeNamespaces(node.root, realTime), procfs: node.at("/proc") },
    kubelets: { look: async () => ({ kind: "running" as const, name: "the demo" }) },
  });
  return {
    about: "A real containerd 1.7.24 with runc, bridge and host-local, in namespaces of its own.",
    driver: node.driver,
    runPod: async (pod, attempt) => node.runPod(pod, attempt),
    stopPod: async (id) => node.driver.stopSandbox(id),
    async endedSandboxes() {
      const deadline = AbortSignal.timeout(DEADLINE_MILLIS);
      for (;;) {
        const all = await node.runtime.listSandboxes(deadline);
        const others = all.filter(({ pod }) => pod?.uid !== node.agentPod.uid);
        // None survived the cut, but containerd may need a moment to notice.
        if (others.every(({ state }) => state === "not-ready")) {
          return others.map(({ id, pod }) => ({ id, pod: pod?.name ?? "" }));
        }
        await sleep(50, undefined, { signal: deadline });
      }
    },
    async cutWhileStarting(pods, midway) {
      const before = node.leases().size;
      node.control(`holdadd ${ADD_SECONDS}`);
      // The cut ends these calls.
      const starting = pods.map(async (pod) => node.runPod(pod).catch(() => "cut"));
      const deadline = AbortSignal.timeout(DEADLINE_MILLIS);
      while (node.leases().size < before + pods.length) await sleep(50, undefined, { signal: deadline });
      await midway();
      await node.cutPower();
      await Promise.all(starting);
    },
    leases: () => node.leases(),
    async agent(command: AgentCommand) {
      const printed: string[] = [];
      const common = {
        config: config(),
        world: world(),
        log: pino({ level: "silent" }),
        print: (text: string) => void printed.push(text),
        signal: never,
      };
      const code =
        command === "boot"
          ? await runOnce({ ...common, phase: "boot" })
          : await runCniCommand({ ...common, command, words: [] });
      return { code, text: printed.join("\n") };
    },
    close: async () => node.stop(),
  };
}
