// Run in a machine: prints what its runtime lists, as JSON.
import { openCri } from "../../../daemonset/runtime/cri.ts";

const path = "/run/containerd/containerd.sock";
const runtime = openCri({ socketPath: path, hostPath: path });
const signal = AbortSignal.timeout(10_000);
const sandboxes = new Map((await runtime.listSandboxes(signal)).map(({ id, state }) => [id, state]));
const containers = await runtime.listContainers(signal);
const lines = containers.map(({ id, pod, name, attempt, state, sandboxID }) => {
  const sandbox = sandboxes.get(sandboxID) ?? "none";
  return { id, pod: pod?.name, name, attempt, state, sandbox };
});
console.log(JSON.stringify(lines));
runtime.close();
