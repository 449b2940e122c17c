import { afterAll, beforeAll, describe } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { SCENARIO_TOOLS } from "../scenarios/tool-identities.ts";
import type { World } from "../scenarios/world.ts";
import { startStage, type Stage } from "./stage.ts";

let stage: Stage;
let world: World;

beforeAll(async () => {
  stage = await startStage({ tools: SCENARIO_TOOLS, webhookFlags: ["--min-ttl=1s"] });
  world = {
    send: stage.client.send,
    webhookCalls: () =>
      Promise.resolve([...stage.api.webhookCalls().values()].reduce((sum, calls) => sum + calls, 0)),
    writesOfEachKind: 50,
  };
}, 60_000);
afterAll(() => stage.close());

describe("on the embedded API server, with the real webhook over HTTPS", () => {
  allScenarios(() => world);
});
