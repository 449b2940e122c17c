import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { inParallel } from "../../../daemonset/containers/parallel.ts";
import type { CriDriver } from "../../../daemonset/runtime/testing/cri-driver.ts";

const perSandbox = 100;

/** CREATED containers in READY sandboxes: each has to be remembered until it is seen again. */
export async function fillNode(driver: CriDriver, count: number): Promise<void> {
  for (let made = 0; made < count; made += perSandbox) {
    const pod = somePod();
    const sandboxID = await driver.runSandbox(pod, 0);
    const names = Array.from({ length: Math.min(perSandbox, count - made) }, (_, index) => `c${index}`);
    await inParallel(names, 4, async (name) => {
      await driver.createContainer(sandboxID, pod, { name, attempt: 0 });
    });
  }
}
