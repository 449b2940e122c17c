/** A whole agent against a runtime in memory, a bus that does what the test says, and real files in a folder. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pino, type Logger } from "pino";
import { freePorts } from "../../bench/process/free-port.ts";
import { runAgent } from "../agent.ts";
import { readConfig, type Config } from "../config.ts";
import type { GateApi } from "../gate/gate.ts";
import { BOOT_ID_FILE } from "../host/boot/boot-id.ts";
import { FakeBus } from "../host/testing/fake-bus.ts";
import { realTime, type Time } from "../host/time.ts";
import type { AgentApi } from "../publisher.ts";
import type { KubeletFiles } from "../runtime/detect/kubelet-endpoint.ts";
import { startFakeContainerd, type FakeContainerd } from "../runtime/testing/fake-containerd.ts";
import { makeOwnServices, type FakeOwnServices } from "../runtime/testing/fake-own-services.ts";
import { openCriDriver, type CriDriver } from "../runtime/testing/cri-driver.ts";
import type { AgentWorld } from "../world.ts";

export const BOOT_ID = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
export const OTHER_BOOT_ID = "7a1f0c1e-55d4-4f0a-8f0e-2f4b5a6c7d88";
export const AGENT_UID = "agent-uid";

/** Time that passes `factor` times as fast as it does. */
function fastTime(factor: number): Time {
  return {
    monotonicMillis: () => performance.now() * factor,
    sleep: async (millis, signal) => realTime.sleep(millis / factor, signal),
    random: () => 0.5,
  };
}

export type Line = Readonly<Record<string, unknown>>;

export interface RunningAgent {
  readonly lines: readonly Line[];
  readonly ended: Promise<void>;
  readonly url: string;
  /** As SIGTERM. */
  term(): void;
  /** As SIGKILL, as far as that can be had in one process. */
  crash(): void;
}

/** What the agent says of itself, in full. */
export async function ready({
  url,
}: RunningAgent): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}/readyz?verbose`);
  return { status: response.status, text: await response.text() };
}

export class AgentKit {
  readonly bus = new FakeBus();
  bootID = BOOT_ID;
  kubeletFiles: KubeletFiles = { flags: [], configs: [], edgecoreConfigs: [] };
  connectApi: () => Promise<AgentApi> = async () => Promise.reject(new Error("no route to host"));
  connectGate: () => Promise<GateApi> = async () => Promise.reject(new Error("no route to host"));
  readonly #agents: RunningAgent[] = [];
  readonly #closing: (() => void)[] = [];

  readonly folder: string;
  readonly socketPath: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.socketPath = join(folder, "run/containerd/containerd.sock");
  }

  static async open(): Promise<AgentKit> {
    // Short: a socket's path has no more than 107 bytes.
    const kit = new AgentKit(await mkdtemp(join(tmpdir(), "nl-")));
    // By it containerd's tasks are known.
    await mkdir(join(kit.folder, "run/containerd/io.containerd.runtime.v2.task/k8s.io"), { recursive: true });
    // For programs that see this folder as the node's root.
    await mkdir(join(kit.folder, dirname(BOOT_ID_FILE)), { recursive: true });
    await writeFile(join(kit.folder, BOOT_ID_FILE), `${BOOT_ID}\n`);
    // A node on which no other network namespace is.
    await mkdir(join(kit.folder, "proc/self"));
    await writeFile(join(kit.folder, "proc/self/mountinfo"), "");
    await mkdir(join(kit.folder, "proc/self/ns"));
    await symlink("net:[1]", join(kit.folder, "proc/self/ns/net"));
    await symlink("/proc/uptime", join(kit.folder, "proc/uptime"));
    const lock = join(kit.folder, "inhibit");
    await writeFile(lock, "#!/bin/sh\nexec cat\n");
    await chmod(lock, 0o755);
    return kit;
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) agent.crash();
    await Promise.all(this.#agents.map(({ ended }) => ended));
    for (const close of this.#closing) close();
    // The journal may still be at it where time is fast.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  async runtime(): Promise<{
    readonly fake: FakeContainerd;
    readonly driver: CriDriver;
    readonly own: FakeOwnServices;
  }> {
    const own = makeOwnServices();
    const fake = await startFakeContainerd({ socketPath: this.socketPath, own });
    const driver = openCriDriver({ socketPath: this.socketPath, image: "test" });
    this.#closing.push(
      () => driver.close(),
      () => fake.close(),
    );
    return { fake, driver, own };
  }

  config(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Config {
    const { folder } = this;
    const read = readConfig(flags, {
      NODE_NAME: "n1",
      NODELATCH_RUN_DIR: join(folder, "nodelatch"),
      NODELATCH_STATE_DIR: join(folder, "state"),
      NODELATCH_HOST_ROOT: folder,
      NODELATCH_LOCK_COMMAND: join(folder, "inhibit"),
      NODELATCH_BIND_ADDRESS: "127.0.0.1",
      POD_UID: AGENT_UID,
      // For those who test it: cni-agent.test.ts.
      NODELATCH_CNI_LEASES: "off",
      NODELATCH_CNI_CACHES: "off",
      NODELATCH_CNI_SANDBOX_REPAIR: "off",
      ...env,
    });
    if (read.kind !== "run") throw new Error(`flags of a test: ${JSON.stringify(read)}`);
    return read.config;
  }

  world(time: Time): AgentWorld {
    return {
      time,
      wallNanos: () => BigInt(Date.now()) * 1_000_000n,
      readBootID: async () => ({ kind: "known", bootID: this.bootID }),
      kubelets: { look: async () => ({ kind: "running", name: "kubelet" }) },
      kubeletFiles: this.kubeletFiles,
      connectBus: this.bus.connect,
      interfaces: () => ({}),
      routes: async () => [],
      readDisks: async () => [],
      namespaces: {
        procfs: join(this.folder, "proc"),
        mountInfo: join(this.folder, "proc/self/mountinfo"),
        interfaces: () => ({}),
        enter: async () => {},
      },
      uptimeSeconds: () => 1_000,
      readBootAge: async () => 60_000,
      takeNetworkLock: async () => ({ kind: "held", release: () => {} }),
      connectApi: async () => this.connectApi(),
      connectGate: async () => this.connectGate(),
    };
  }

  /** @param factor how fast its time passes; processes that it starts do not get faster. */
  async start(
    flags: readonly string[] = [],
    factor = 1,
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningAgent> {
    const [port = 0] = await freePorts(1);
    const { log, lines } = captureLog();
    const [term, hurry] = [new AbortController(), new AbortController()];
    const ended = runAgent({
      config: this.config([...flags, `--probe-port=${port}`], env),
      world: this.world(fastTime(factor)),
      log,
      version: "1.2.3",
      term: term.signal,
      hurry: hurry.signal,
    });
    const agent = {
      lines,
      ended,
      url: `http://127.0.0.1:${port}`,
      term: () => term.abort(),
      crash: () => hurry.abort(),
    };
    this.#agents.push(agent);
    await until(() => lines.some(({ msg }) => msg === "serving probes and metrics"));
    return agent;
  }
}

export function captureLog(): { readonly log: Logger; readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const log = pino(
    { level: "debug" },
    {
      write(text: string) {
        const line: unknown = JSON.parse(text);
        if (typeof line === "object" && line !== null) lines.push({ ...line });
      },
    },
  );
  return { log, lines };
}

export const POD = { uid: "pod-uid", namespace: "default", name: "web" };

/** What a power cut leaves of a pod: a container that was never started, in a sandbox that has ended. */
export async function leaveStuck(
  { fake, driver }: { readonly fake: FakeContainerd; readonly driver: CriDriver },
  pod = POD,
): Promise<string> {
  const sandboxID = await driver.runSandbox(pod, 0);
  const id = await driver.createContainer(sandboxID, pod, { name: "app", attempt: 0 });
  const sandbox = fake.sandboxes.get(sandboxID);
  if (sandbox !== undefined) sandbox.state = 1;
  return id;
}

export async function leaveRunning({ driver }: { readonly driver: CriDriver }): Promise<string> {
  const pod = { uid: "running-uid", namespace: "default", name: "runs" };
  const id = await driver.createContainer(await driver.runSandbox(pod, 0), pod, { name: "app", attempt: 0 });
  await driver.startContainer(id);
  return id;
}

export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await is()); tries += 1) {
    if (tries > 3_000) throw new Error("waited 30 s in vain");
    await delay(10);
  }
}
