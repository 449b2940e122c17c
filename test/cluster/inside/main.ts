// The test cluster itself, in its own pid, network and mount namespace. Started by keeper/main.ts, which hands over the
// listening socket for the API server; when it dies, so does process 1, and the kernel ends everything in here.
import { mkdir } from "node:fs/promises";
import { Server } from "node:net";
import { workPaths } from "../config/paths.ts";
import { readPlan } from "../config/plan.ts";
import { createCgroup, joinCgroup, systemCgroup } from "../keeper/cgroups.ts";
import { runOrThrow } from "../process/run.ts";
import { createControlPlane } from "./control-plane.ts";
import { carryOut } from "./control.ts";
import { serveControl } from "./control-server.ts";
import { forwardToApi } from "./forward.ts";
import { createMachine } from "./machine.ts";
import { createLan } from "./network.ts";

async function main(planFile: string): Promise<void> {
  const plan = await readPlan(planFile);
  const paths = workPaths(plan.workFolder);
  await createCgroup(systemCgroup(plan.id));
  await joinCgroup(systemCgroup(plan.id));
  await mkdir(paths.state, { recursive: true });
  await runOrThrow(["mount", "-t", "tmpfs", "tmpfs", paths.state], { timeoutMillis: 10_000 });
  await createLan(plan.machines);
  const controlPlane = createControlPlane(plan);
  const machines = plan.machines.map((machine) => createMachine(plan, machine));
  await Promise.all([controlPlane.start(), ...machines.map(async (machine) => machine.on())]);
  await serveControl(paths.controlSocket, async (request) => {
    if (request.action === "shutdown") setTimeout(() => process.exit(0), 100);
    return carryOut(request, controlPlane, machines);
  });
  process.send?.({ kind: "started" });
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

const [planFile] = process.argv.slice(2);
if (planFile === undefined) throw new Error("usage: main.ts PLAN");
// Without the keeper nobody would clean up: end with it.
process.once("disconnect", () => process.exit(1));
process.once("message", (_message, handle) => {
  if (handle instanceof Server) {
    forwardToApi(handle);
    main(planFile).catch(fail);
  } else fail(new Error("expected the keeper's listening socket"));
});
