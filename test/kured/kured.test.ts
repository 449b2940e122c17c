/** kured's scenarios on the embedded API server, with the real webhook over HTTPS and the chart's tools. */
import { afterAll, beforeAll, describe } from "vitest";
import { startStage, type Stage } from "../simulated/stage.ts";
import { cycleScenarios } from "./cycle.ts";
import { embeddedWorld } from "./embedded-world.ts";
import { interruptedScenarios } from "./interrupted.ts";
import { sharedScenarios } from "./shared.ts";
import type { KuredWorld } from "./world.ts";

let stage: Stage;
let world: KuredWorld;

beforeAll(async () => {
  stage = await startStage();
  world = embeddedWorld(stage.client.send);
}, 120_000);
afterAll(() => stage.close());

describe("kured on the embedded API server", () => {
  cycleScenarios(() => world);
  interruptedScenarios(() => world);
  sharedScenarios(() => world);
});
