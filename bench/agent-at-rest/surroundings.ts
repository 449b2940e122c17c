// What the agent talks to, as a program of its own: a container runtime in memory on a real socket, a logind on a bus,
// and an API server behind real TLS. Arguments: FOLDER PODS. The folder is the node's root; the kubeconfig is written into it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startFakeContainerd } from "../../daemonset/runtime/testing/fake-containerd.ts";
import { objectAt } from "../../kube/json.ts";
import { ApiServer } from "../../kube/testing/api-server.ts";
import { lockedNode } from "../review/locked-node.ts";
import { announce } from "../servers/serve.ts";
import { startLogind } from "./logind.ts";
import { KUBECONFIG, NODE_NAME, SOCKET } from "./places.ts";
import { writeNetwork } from "./network.ts";
import { addPods } from "./pods.ts";

const [folder, pods] = process.argv.slice(2);
if (folder === undefined || pods === undefined) throw new Error("usage: FOLDER PODS");

mkdirSync(join(folder, "run/containerd"), { recursive: true });
const fake = await startFakeContainerd({ socketPath: join(folder, SOCKET) });
addPods(fake, Number(pods));
writeNetwork(folder, [...fake.sandboxes.keys()]);
mkdirSync(join(folder, "run/dbus"), { recursive: true });
await startLogind(folder);

const node = lockedNode({ name: NODE_NAME, bytes: 20_000 });
const metadata = { ...objectAt(node, "metadata"), uid: "8f0b6c1e-0000-4000-8000-5d6c1f0e7a31" };
const api = await new ApiServer(({ method }) =>
  method === "GET" ? { status: 200, json: { ...node, metadata } } : { status: 201, json: {} },
).listen();
const kubeconfig = {
  clusters: [
    {
      name: "bench",
      cluster: {
        server: `https://127.0.0.1:${api.port}`,
        "certificate-authority": join(api.credentials, "ca.crt"),
      },
    },
  ],
  users: [{ name: "agent", user: { tokenFile: join(api.credentials, "token") } }],
  contexts: [{ name: "bench", context: { cluster: "bench", user: "agent" } }],
  "current-context": "bench",
};
writeFileSync(join(folder, KUBECONFIG), JSON.stringify(kubeconfig));
announce(api.port);
