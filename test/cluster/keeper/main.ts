// Keeps one test cluster: starts its namespaces, hands in the listening socket, and cleans up what namespaces can't
// (cgroups, files) when the cluster ends, however it ends. Standard input is the lifeline: with `--lifeline`, its end
// (the starter is gone, even by SIGKILL) ends the cluster.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { workPaths } from "../config/paths.ts";
import { readPlan } from "../config/plan.ts";
import { clusterCgroup, removeCgroup } from "./cgroups.ts";

const insideMain = fileURLToPath(new URL("../inside/main.ts", import.meta.url));
const cleanUpDeadlineMillis = 30_000;
// Process 1 is a shell, as it reaps orphans while it waits; Node does not. One that is left unreaped, of a program whose
// nsenter was killed, keeps the kernel from ending the machine it was in, for ever (pid_namespaces(7)).
const reaper = '"$@" & wait $!';

async function main(planFile: string, hasLifeline: boolean): Promise<number> {
  const plan = await readPlan(planFile);
  const paths = workPaths(plan.workFolder);
  const door = createServer();
  door.listen({ host: "127.0.0.1", port: 0 });
  await once(door, "listening");
  const address = door.address();
  if (address === null || typeof address === "string") throw new Error("the listening socket has no port");

  const namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net"];
  const argv = ["sh", "-c", reaper, "reaper", process.execPath, insideMain, planFile];
  const inside = spawn("unshare", [...namespaces, ...argv], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise<number>((resolve) => inside.once("exit", (code) => resolve(code ?? 1)));
  // The shell is unshare's child and process 1 inside; --kill-child takes it, and with it everything, along.
  const end = (): boolean => inside.kill("SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  let orphaned = false;
  const onLifelineEnd = (): void => {
    orphaned = true;
    end();
  };
  if (hasLifeline) process.stdin.resume().once("end", onLifelineEnd).once("close", onLifelineEnd);
  inside.once("message", () => process.send?.({ kind: "started", port: address.port }));
  // Two processes sharing a listening socket would each take some connections: ours is closed once theirs is open.
  inside.send({ kind: "door" }, door, () => door.close());
  const code = await ended;
  await removeCgroup(clusterCgroup(plan.id), cleanUpDeadlineMillis);
  await rm(paths.info, { force: true });
  await rm(paths.controlSocket, { force: true });
  // Nobody is left to read the logs or to remove the folder.
  if (orphaned) await rm(paths.root, { recursive: true, force: true });
  return code;
}

const [planFile, lifeline] = process.argv.slice(2);
if (planFile === undefined) throw new Error("usage: main.ts PLAN [--lifeline]");
main(planFile, lifeline === "--lifeline").then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
