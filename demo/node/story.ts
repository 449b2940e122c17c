/** A power cut while pods start, and what the agent makes of it; the same on a simulated node and on a real containerd. */
import type { TestPod } from "../../daemonset/runtime/testing/cri-driver.ts";
import type { Outcome, Step } from "../steps.ts";
import type { AgentCommand, DemoNode } from "./demo-node.ts";

const LEASES = "/var/lib/cni/networks/*";
const podNamed = (name: string): TestPod => ({ uid: `uid-of-${name}`, namespace: "default", name });
const WEB = ["web-1", "web-2", "web-3"].map(podNamed);
const DB = podNamed("db");
const STARTING = ["new-1", "new-2", "new-3", "new-4", "new-5"].map(podNamed);

export function nodeSteps(node: DemoNode): readonly Step[] {
  /** Sandboxes that run now, the stuck pod's last. */
  const running: string[] = [];
  let before: ReadonlyMap<string, string> = new Map();

  const agent = async (command: AgentCommand, judge: (text: string) => boolean): Promise<Outcome> => {
    const { code, text } = await node.agent(command);
    return { good: code === 0 && judge(text), lines: text.split("\n") };
  };
  const start = async (): Promise<void> => {
    const id = await node.driver.createContainer(running.at(-1) ?? "", DB, { name: "app", attempt: 0 });
    await node.driver.startContainer(id);
  };
  const allLive = (): boolean => {
    const owners = [...node.leases().values()];
    return running.every((id) => owners.includes(id));
  };

  return [
    {
      title: "nine pods: three run, one was just created, five are being given their addresses",
      who: "agent",
      command: "nodelatch-agent clean",
      run: async () => {
        for (const pod of WEB) await runWith(node, pod, 0);
        await node.driver.createContainer(await node.runPod(DB, 0), DB, { name: "app", attempt: 0 });
        let outcome: Outcome = { good: false, lines: ["no pass"] };
        await node.cutWhileStarting(STARTING, async () => {
          const taken = node.leases().size;
          outcome = await agent("clean", () => node.leases().size === taken && taken === 9);
        });
        return { ...outcome, lines: [...outcome.lines, "All stay. Then somebody pulls the plug."] };
      },
    },
    {
      title: "after the boot kubelet stops what has ended and makes its pods again",
      who: "root",
      command: `ls ${LEASES}`,
      run: async () => {
        const ended = await node.endedSandboxes();
        for (const { id } of ended) await node.stopPod(id);
        for (const pod of WEB) running.push(await runWith(node, pod, 1));
        running.push(await node.runPod(DB, 1));
        // kubelet keeps the last sandbox of a pod that is still to run.
        for (const { id, pod } of ended) if (pod !== DB.name) await node.driver.removeSandbox(id);
        before = node.leases();
        const stale = [...before.values()].filter((owner) => !running.includes(owner)).length;
        return {
          good: stale === STARTING.length && allLive(),
          lines: [...before.keys(), `${before.size} addresses are taken, ${running.length} pods run.`],
        };
      },
    },
    {
      title: "one pod does not come up: its container's name is still taken",
      who: "kubelet",
      command: "CreateContainer app of default/db",
      run: async () => {
        try {
          await start();
          return { good: false, lines: ["it was created"] };
        } catch (thrown) {
          const text = thrown instanceof Error ? thrown.message : String(thrown);
          return { good: text.includes("failed to reserve container name"), lines: [text] };
        }
      },
    },
    {
      title: "the agent's pass over containers after a boot",
      who: "agent",
      command: "nodelatch-agent boot",
      run: async () => agent("boot", (text) => text.includes("removed")),
    },
    {
      title: "kubelet tries again",
      who: "kubelet",
      command: "CreateContainer app of default/db",
      run: async () => {
        await start();
        return { good: true, lines: ["created and started"] };
      },
    },
    {
      title: "and the addresses? A scan says what would go, and why, and changes nothing",
      who: "agent",
      command: "nodelatch-agent scan",
      run: async () => agent("scan", () => node.leases().size === before.size),
    },
    {
      title: "the pass: into quarantine, under the network plugin's own lock",
      who: "agent",
      command: "nodelatch-agent clean",
      run: async () => agent("clean", (text) => text.includes("0 leases predate this boot")),
    },
    {
      title: "whoever runs has the address it had, and nobody else has one",
      who: "root",
      command: `ls ${LEASES}`,
      run: async () => {
        const after = node.leases();
        const isSame = [...after].every(([address, owner]) => before.get(address) === owner);
        return { good: isSame && allLive() && after.size === running.length, lines: [...after.keys()] };
      },
    },
  ];
}

/** A pod with a container that runs. */
async function runWith(node: DemoNode, pod: TestPod, attempt: number): Promise<string> {
  const sandbox = await node.runPod(pod, attempt);
  const id = await node.driver.createContainer(sandbox, pod, { name: "app", attempt });
  await node.driver.startContainer(id);
  return sandbox;
}
