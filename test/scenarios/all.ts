import { allowedScenarios } from "./allowed.ts";
import { eventScenarios } from "./events.ts";
import { quietScenarios } from "./quiet.ts";
import { refusedScenarios } from "./refused.ts";
import { toolScenarios } from "./tools.ts";
import { valueScenarios } from "./values.ts";
import type { World } from "./world.ts";

/** Every scenario that must pass on the embedded and on the real API server alike. */
export function allScenarios(world: () => World): void {
  refusedScenarios(world);
  allowedScenarios(world);
  valueScenarios(world);
  quietScenarios(world);
  eventScenarios(world);
  toolScenarios(world);
}
