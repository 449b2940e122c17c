/**
 * `npm run demo`: locks a node and shows who can't unlock it, then a node after a power cut and what the agent makes of
 * it. By itself it brings an embedded API server, the real webhook and a simulated node; with --kubeconfig it shows the
 * lock in a cluster that has Nodelatch installed, with two Node objects of its own.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { createApiClient, type ApiClient, type Identity } from "../test/scenarios/api-client.ts";
import { readKubeconfig } from "../test/scenarios/kubeconfig.ts";
import { startStage } from "../test/simulated/stage.ts";
import { showNode } from "./node/show-node.ts";
import { simulatedNode } from "./node/simulated.ts";
import { say, show } from "./show.ts";
import { makeNodes, steps, type Cast } from "./steps.ts";

const HELP = `npm run demo [-- OPTIONS]
  --stay              leave everything running afterwards, to try with your own kubectl; ends with Ctrl-C
  --kubeconfig FILE   use the cluster of FILE, in which Nodelatch is installed; FILE's user must be able to impersonate
  --help              print this`;

const admin = (user: string): Identity => ({ user, groups: ["system:masters", "system:authenticated"] });
// All three are cluster admins: wide rights alone don't break a lock.
const CAST: Cast = { alice: admin("alice"), bob: admin("bob"), carol: admin("carol") };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { stay: { type: "boolean" }, kubeconfig: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  return values.kubeconfig === undefined
    ? embedded(values.stay === true)
    : ownCluster(values.kubeconfig, values.stay === true);
}

async function embedded(stay: boolean): Promise<number> {
  say("Starting an embedded Kubernetes API server and the real webhook, both over TLS ...");
  const started = performance.now();
  const users = Object.values(CAST).map(({ user, groups }: Identity) => ({ username: user, groups }));
  const stage = await startStage({ users });
  try {
    say(`Ready after ${((performance.now() - started) / 1_000).toFixed(1)} s: ${stage.api.url}`);
    say("The webhook issued its certificate and registered its CA by itself; the rules are the chart's.");
    await makeNodes(stage.client, "node-1", "node-2");
    const lock = await show(steps(stage.client, CAST, "node-1", "node-2"));
    const node = await showNode(simulatedNode);
    const code = Math.max(lock, node);
    const files = await Promise.all(["admin", "alice", "bob", "carol"].map(stage.kubeconfigFile));
    say(`\nKubeconfigs (while this runs): ${files.join(" ")}`);
    if (stay) {
      say(`Try it:  kubectl --kubeconfig ${files[2]} get nodes`);
      say(`Probes and metrics: ${stage.probeUrl}/readyz?verbose  ${stage.probeUrl}/metrics`);
      await ctrlC();
    }
    return code;
  } finally {
    await stage.close();
  }
}

async function ownCluster(file: string, stay: boolean): Promise<number> {
  const client = createApiClient(await readKubeconfig(file));
  try {
    const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodelatch";
    const registered = await client.send({ method: "GET", path });
    if (registered.status !== 200) {
      say(
        `Nodelatch is not installed in this cluster (HTTP ${registered.status} for ${path}). Install it first:`,
      );
      say("  helm install nodelatch charts/nodelatch -n nodelatch-system --create-namespace --wait");
      return 1;
    }
    const names = ["nodelatch-demo-1", "nodelatch-demo-2"] as const;
    say(`Using your cluster, with two Node objects of the demo's own: ${names.join(", ")}`);
    await makeNodes(client, ...names);
    try {
      return await show(steps(client, CAST, ...names));
    } finally {
      if (stay) {
        say("\nThe two nodes stay until Ctrl-C.");
        await ctrlC();
      }
      await removeNodes(client, names);
    }
  } finally {
    client.close();
  }
}

/** Also where a step went wrong and a lock is left: the holder, alice, may delete her locked node. */
async function removeNodes(client: ApiClient, names: readonly string[]): Promise<void> {
  for (const name of names)
    await client.send({ as: CAST.alice, method: "DELETE", path: `/api/v1/nodes/${name}` });
}

async function ctrlC(): Promise<void> {
  // A signal handler alone does not keep Node alive; the servers of the stage do, but a cluster of one's own does not.
  const alive = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  clearInterval(alive);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error("demo:", error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause !== undefined) console.error(error.cause);
  return 1;
});
