/** What passes are made of, those of the agent and those by hand. */
import type { Logger } from "pino";
import { containersSettings, ownPod, type Config } from "./config.ts";
import { dockerSocket } from "./runtime/detect/endpoint.ts";
import { watchRuntimes, type RuntimeWatch } from "./runtime/detect/watch.ts";
import type { AgentWorld } from "./world.ts";

/** Runtimes as settings and the node's own files name them. */
export function watchNode(config: Config, world: AgentWorld, signal: AbortSignal): RuntimeWatch {
  const { hostRoot, runtimeEndpoints: explicit } = config;
  const { time, kubeletFiles } = world;
  return watchRuntimes(
    { hostRoot, explicit, kubeletFiles, dockerHostPath: dockerSocket },
    { random: () => time.random(), sleep: async (millis, until) => time.sleep(millis, until) },
    signal,
  );
}

/** What all passes have in common, the one-shot ones included. */
export function passParts(config: Config, { kubelets }: AgentWorld, log: Logger) {
  const own = ownPod(config);
  if (own.kind === "unknown") {
    log.error("own pod is not known, so nothing will be removed; set POD_UID, or by-hand outside of pods");
  }
  return {
    hostRoot: config.hostRoot,
    settings: containersSettings(config),
    own,
    kubelets,
    budgetMillis: config.passBudgetMillis,
  };
}

export function passPorts({ time, wallNanos }: AgentWorld, log: Logger) {
  return {
    clock: { monotonicMillis: () => time.monotonicMillis(), wallNanos },
    sleep: async (millis: number, signal: AbortSignal) => time.sleep(millis, signal),
    random: () => time.random(),
    log,
  };
}
