import type { ContainerRuntime } from "./runtime.ts";

/**
 * cri-dockerd for everything but removal, which goes to Docker itself: cri-dockerd's RemoveContainer forces, so it kills
 * a container that started a moment ago, where Docker's DELETE without force refuses (facts/containers.md 6). Both know
 * a container by the same id. Closing it closes both.
 */
export function removeThrough(cri: ContainerRuntime, engine: ContainerRuntime): ContainerRuntime {
  return {
    get label() {
      return `${cri.label}, removing through ${engine.label}`;
    },
    refusesRunning: engine.refusesRunning === true,
    version: async (signal) => cri.version(signal),
    conditions: async (signal) => cri.conditions(signal),
    listSandboxes: async (signal) => cri.listSandboxes(signal),
    listContainers: async (signal) => cri.listContainers(signal),
    containerState: async (id, signal) => cri.containerState(id, signal),
    removeContainer: async (id, signal) => engine.removeContainer(id, signal),
    stopSandbox: async (id, signal) => cri.stopSandbox(id, signal),
    close: () => {
      cri.close();
      engine.close();
    },
  };
}
