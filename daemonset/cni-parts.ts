/** Passes over CNI state, put together from the settings and the world. */
import { join } from "node:path";
import type { Logger } from "pino";
import { makeRemoval } from "./cni/apply/removal.ts";
import type { Quarantine } from "./cni/apply/order.ts";
import { makeProveLiveness } from "./cni/liveness/prove.ts";
import { makeCniWorker, type CniEnd, type CniWorker } from "./cni/worker.ts";
import { cniSettings, ownPod, type Config } from "./config.ts";
import type { BootIDRead } from "./host/boot/boot-id.ts";
import { reasonOf } from "./host/reason.ts";
import type { PublisherState } from "./publisher.ts";
import { resolveHostPath } from "./runtime/detect/host-path.ts";
import type { RuntimeWatch } from "./runtime/detect/watch.ts";
import type { StopResult } from "./runtime/runtime.ts";
import type { AgentWorld } from "./world.ts";

export interface CniPartsOptions {
  readonly config: Config;
  readonly world: AgentWorld;
  readonly log: Logger;
  readonly watch: Pick<RuntimeWatch, "current" | "describe">;
  readonly bootID: BootIDRead;
  /** False: a scan, which changes nothing. */
  readonly acts: boolean;
  /** Undefined where the API is switched off. */
  readonly api: () => PublisherState | undefined;
  readonly onEnd: (end: CniEnd) => Promise<void> | void;
}

export interface CniParts {
  readonly worker: CniWorker;
  readonly quarantine: Quarantine;
}

export async function makeCniParts(options: CniPartsOptions): Promise<CniParts> {
  const { config, world, log, watch, bootID } = options;
  const { hostRoot } = config;
  const { time } = world;
  const prove = makeProveLiveness({ watch, own: ownPod(config), hostRoot, namespaces: world.namespaces });
  const wallMillis = (): number => Number(world.wallNanos() / 1_000_000n);
  const monotonicMillis = (): number => time.monotonicMillis();
  const { apply, quarantine } = makeRemoval({
    hostRoot,
    quarantine: await quarantineSeen(config, log),
    keeping: {
      seconds: config.cniQuarantineKeepMillis / 1_000,
      bytes: config.cniQuarantineMebibytes * 1_024 * 1_024,
    },
    prove,
    clock: {
      wallMillis,
      monotonicMillis,
      uptimeSeconds: world.uptimeSeconds,
      bootID: () => (bootID.kind === "known" ? bootID.bootID : undefined),
    },
    ...(world.takeNetworkLock === undefined ? {} : { takeLock: world.takeNetworkLock }),
  });
  const worker = makeCniWorker({
    hostRoot,
    stateDir: config.stateDir,
    bootID,
    settings: cniSettings(config),
    budgetMillis: config.passBudgetMillis,
    ports: {
      prove,
      apply: options.acts ? apply : undefined,
      quarantine,
      stopSandbox: async (id, signal) => stopEverywhere(watch, id, signal),
      repairObstacle: async () => repairObstacle(options),
      monotonicMillis,
      wallMillis,
      log,
    },
    onEnd: options.onEnd,
  });
  return { worker, quarantine };
}

/** Through the node's root, as leases are seen: then a move is a rename. */
async function quarantineSeen({ hostRoot, cniQuarantine }: Config, log: Logger): Promise<string> {
  try {
    return await resolveHostPath(hostRoot, cniQuarantine);
  } catch (err) {
    log.warn({ err, path: cniQuarantine }, "links of the quarantine's path can't be followed");
    return join(hostRoot, cniQuarantine);
  }
}

/** A runtime that does not know the id does nothing (facts/node-observed.md 1), so each may be told. */
async function stopEverywhere(
  watch: Pick<RuntimeWatch, "current">,
  id: string,
  signal: AbortSignal,
): Promise<StopResult> {
  let result: StopResult = { kind: "unsupported", message: "no runtime can stop sandboxes" };
  for (const { runtime } of watch.current()) {
    const each = await runtime.stopSandbox(id, signal);
    if (each.kind !== "unsupported" && result.kind !== "failed") result = each;
  }
  return result;
}

/** Without kubelet or its API server ended sandboxes are left as they are, and that is as it should be. */
async function repairObstacle({ world, api }: CniPartsOptions): Promise<string | undefined> {
  try {
    const kubelet = await world.kubelets.look();
    if (kubelet.kind === "stopped") return `${kubelet.name} does not run`;
  } catch (thrown) {
    return `whether kubelet runs is not known: ${reasonOf(thrown)}`;
  }
  const state = api();
  return state?.kind === "away" ? `the API server is away: ${state.reason}` : undefined;
}
