// Moves a kit's leases and kills itself, as by SIGKILL, just before its Nth call of the file system.
// Arguments: the root of the node, N. Prints "whole" if it came to the end before.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeRemoval } from "../removal.ts";
import { BOOT_ID, PROVEN } from "./removal-kit.ts";
import { watchedFiles } from "./watched-files.ts";

const [root = "", count = "0"] = process.argv.slice(2);
const network = join(root, "var/lib/cni/networks/pods");
let left = Number(count);

const { apply } = makeRemoval({
  hostRoot: root,
  quarantine: join(root, "var/lib/nodelatch/quarantine"),
  keeping: { seconds: 1, bytes: 1 },
  prove: async () => PROVEN,
  clock: { uptimeSeconds: () => 1, bootID: () => BOOT_ID, wallMillis: () => 0, monotonicMillis: () => 0 },
  files: watchedFiles(() => {
    if (left-- === 0) process.kill(process.pid, "SIGKILL");
  }),
  owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
});
const leases = readdirSync(network)
  .filter((name) => name.startsWith("10."))
  .map((name) => {
    const { ino } = statSync(join(network, name), { bigint: true });
    return { directory: network, name, ino, content: readFileSync(join(network, name), "latin1") };
  });
const signal = new AbortController().signal;
await apply.leases({ network: "pods", directory: network, leases, stillStale: () => true }, signal);
console.log("whole");
