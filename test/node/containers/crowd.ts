// A runtime in memory with very many containers, in a process of its own: crowd.ts SOCKET COUNT. Says "ready".
import { startFakeContainerd } from "../../../daemonset/runtime/testing/fake-containerd.ts";
import { openCriDriver } from "../../../daemonset/runtime/testing/cri-driver.ts";
import { fillNode } from "./fill-node.ts";

const [socketPath, count] = process.argv.slice(2);
if (socketPath === undefined) throw new Error("usage: crowd.ts SOCKET COUNT");
const fake = await startFakeContainerd({ socketPath });
const driver = openCriDriver({ socketPath, image: "test" });
await fillNode(driver, Number(count));
driver.close();
console.log("ready");
// It is killed.
setInterval(() => (fake.calls.length = 0), 1_000);
