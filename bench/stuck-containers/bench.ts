/** `npm run bench -- stuck-containers`: a pass over 500 stuck containers, against removing them and nothing else. */
import { inParallel } from "../../daemonset/containers/parallel.ts";
import { DEFAULT_APPLY } from "../../daemonset/containers/apply.ts";
import { somePod } from "../../daemonset/runtime/testing/cri-scenarios.ts";
import { RealPasses } from "../../test/node/containers/real-pass.ts";
import { startContainerdNode, type ContainerdNode } from "../../test/node/containers/containerd-node.ts";
import { containerdBinaries, ensureContainerdLines } from "../../test/cluster/programs/containerd-lines.ts";
import { ensurePackages } from "../../test/cluster/programs/packages.ts";
import { nodeParts } from "../../test/node/parts.ts";
import { withoutServices } from "../../test/node/service-policy.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { reportOf, type Round } from "./report.ts";

const COUNT = 500;
const ROUNDS = 4;
const LINE = "1.6";

export const stuckContainersBench: Bench = {
  name: "stuck-containers",
  about: `a pass over ${COUNT} stuck containers, against their bare removal (root; about 60 s)`,
  run,
};

async function run({ log, signal }: BenchContext): Promise<BenchReport> {
  if (process.geteuid?.() !== 0) throw new Error("a real containerd needs root: run this as root");
  const parts = { needer: "this bench", parts: nodeParts, log, signal };
  await withoutServices(async () => ensurePackages(parts));
  await ensureContainerdLines({ log, signal });
  const { version } = await containerdBinaries(LINE);
  const node = await startContainerdNode(LINE, "overlayfs");
  try {
    const rounds: Round[] = [];
    await measure("bare", node, signal);
    for (let index = 0; index < ROUNDS; index++) {
      // Turned around each time, so that whatever drifts drifts for both.
      const order = index % 2 === 0 ? (["bare", "pass"] as const) : (["pass", "bare"] as const);
      for (const side of order) rounds.push(await measure(side, node, signal));
      log(`round ${index + 1} of ${ROUNDS}`);
    }
    return reportOf(rounds, COUNT, version);
  } finally {
    await node.stop();
  }
}

async function measure(side: Round["side"], node: ContainerdNode, signal: AbortSignal): Promise<Round> {
  const { ids, discard } = await makeStuck(node, signal);
  const before = performance.now();
  if (side === "pass") await removeByPass(node);
  else await removeBare(node, ids, signal);
  const millis = performance.now() - before;
  const left = await node.runtime.listContainers(signal);
  if (left.length > 0) throw new Error(`${side}: ${left.length} of ${COUNT} containers are still there`);
  await discard();
  return { side, millis };
}

/** CREATED containers whose sandbox has ended, as a power cut leaves them: one look is enough. */
async function makeStuck({ driver }: ContainerdNode, signal: AbortSignal) {
  const pod = somePod();
  const sandboxID = await driver.runSandbox(pod, 0);
  const ids: string[] = [];
  const names = Array.from({ length: COUNT }, (_, index) => `c${index}`);
  await inParallel(names, DEFAULT_APPLY.workers, async (name) => {
    signal.throwIfAborted();
    ids.push(await driver.createContainer(sandboxID, pod, { name, attempt: 0 }));
  });
  await driver.stopSandbox(sandboxID);
  return { ids, discard: async () => driver.removeSandbox(sandboxID) };
}

async function removeByPass(node: ContainerdNode): Promise<void> {
  const { outcomes } = await new RealPasses(node.target).pass();
  if (outcomes.removed !== COUNT) throw new Error(`the pass ended with ${JSON.stringify(outcomes)}`);
}

async function removeBare(
  { runtime }: ContainerdNode,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await inParallel(ids, DEFAULT_APPLY.workers, async (id) => {
    const result = await runtime.removeContainer(id, signal);
    if (result.kind !== "removed") throw new Error(`RemoveContainer ${id}: ${JSON.stringify(result)}`);
  });
}
