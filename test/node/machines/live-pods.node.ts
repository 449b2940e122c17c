/** Pods that run, and kubelets that come and go, while the agent looks each second. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fields } from "../../cluster/config/plan.ts";
import { machineLines } from "./lines.ts";
import type { Machine } from "./machine.ts";
import { Places } from "./places.ts";
import { isReady } from "./pods.ts";

const places = new Places("live");
beforeAll(async () => places.open());
afterAll(async () => places.close());

const program = fileURLToPath(new URL("pass-each-second.ts", import.meta.url));
const logFile = "/var/log/pass-each-second.log";
const live = ["live-1", "live-2", "live-3", "live-4"];
const ending = ["ending-1", "ending-2"];

/** Gives what ends it and returns its lines. */
async function startPasses(machine: Machine): Promise<() => Promise<readonly unknown[]>> {
  const start = 'setsid "$@" > "$0" 2>&1 < /dev/null & echo $!';
  const pid = (await machine.shell(start, logFile, process.execPath, program)).trim();
  return async () => {
    const end = 'kill "$0"; while kill -0 "$0" 2> /dev/null; do sleep 0.1; done; cat "$1"';
    const lines = (await machine.shell(end, pid, logFile)).trim().split("\n");
    return lines.map((line): unknown => JSON.parse(line));
  };
}

it.concurrent.each(machineLines)(
  "kubelet stopped, killed and started again on containerd $line: nothing that lives is touched, no restart is added",
  async ({ name }) => {
    const { machine, pods } = places.at(name);
    await pods.create([...live, ...ending]);
    const before = await pods.waitFor("readiness", [...live, ...ending], isReady);

    const endPasses = await startPasses(machine);
    for (const [index, pod] of ending.entries()) {
      await machine.service("kubelet", index % 2 === 0 ? "kill" : "stop");
      await machine.service("kubelet", "start");
      await pods.end(pod);
      const made = `made-${index}`;
      await pods.create([made]);
      await pods.waitFor("the restart", [pod], (each) => each.ready && each.restarts > 0);
      await pods.waitFor("readiness", [made], isReady);
    }
    const passes = (await endPasses()).map((line) => fields(line, "pass"));

    const after = await pods.seen();
    for (const pod of live) expect(after.get(pod)).toEqual(before.get(pod));
    for (const pod of ending) expect(after.get(pod)).toMatchObject({ ready: true, restarts: 1 });
    for (const index of ending.keys()) {
      expect(after.get(`made-${index}`)).toMatchObject({ ready: true, restarts: 0 });
    }
    expect(passes.length).toBeGreaterThan(3);
    expect(passes.map(({ result, removals }) => ({ result, removals }))).toEqual(
      passes.map(() => ({ result: "read", removals: [] })),
    );
  },
);
