import { agentScenarios } from "./agent.ts";
import { allowedScenarios } from "./allowed.ts";
import { autoscalerScenarios } from "./autoscalers.ts";
import { eventScenarios } from "./events.ts";
import { kuredScenarios } from "./kured.ts";
import { quietScenarios } from "./quiet.ts";
import { refusedScenarios } from "./refused.ts";
import { requestedUncordonScenarios } from "./requested-uncordons.ts";
import { toolScenarios } from "./tools.ts";
import { valueScenarios } from "./values.ts";
import type { ChangingWorld } from "./world.ts";

/** Every scenario that must pass on the embedded and on the real API server alike. */
export function allScenarios(world: () => ChangingWorld): void {
  refusedScenarios(world);
  allowedScenarios(world);
  valueScenarios(world);
  quietScenarios(world);
  eventScenarios(world);
  kuredScenarios(world);
  toolScenarios(world);
  autoscalerScenarios(world);
  requestedUncordonScenarios(world);
  agentScenarios(world);
}
