/** A node as a power cut leaves it, and settings for tests of whole passes. */
import type { PodLabels } from "../../runtime/runtime.ts";
import { DEFAULT_SETTINGS, type Mode } from "../settings.ts";
import { FakeRuntime } from "./fake-runtime.ts";
import { WALL_NANOS } from "./pass-kit.ts";

export const podNamed = (name: string): PodLabels => ({ uid: `uid-${name}`, namespace: "default", name });

/** A node after a power cut: 3 healthy pods, one leftover each of what goes and of what stays. */
export function afterPowerCut() {
  const runtime = new FakeRuntime(WALL_NANOS);
  for (const name of ["a", "b", "c"]) {
    const one = runtime.create(runtime.runSandbox(podNamed(name)), "app", 0);
    runtime.beginStart(one);
    runtime.endStart(one);
  }
  const left = runtime.create(runtime.runSandbox(podNamed("left")), "app", 0);
  const lost = runtime.create(runtime.runSandbox(podNamed("lost")), "app", 0, {
    state: "unknown",
    dateLost: true,
  });
  runtime.reboot();
  return { runtime, left, lost };
}

export const modes = (mode: Mode) => ({
  ...DEFAULT_SETTINGS,
  modes: { boot: mode, steady: mode, shutdown: mode },
});
