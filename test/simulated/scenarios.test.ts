import { afterAll, beforeAll, describe } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { SCENARIO_TOOLS } from "../scenarios/tool-identities.ts";
import { leaver, type ChangingWorld } from "../scenarios/world.ts";
import { startStage, type Stage } from "./stage.ts";

let stage: Stage;
let world: ChangingWorld;

beforeAll(async () => {
  let isLeaverGone = false;
  stage = await startStage({
    tools: SCENARIO_TOOLS,
    webhookFlags: ["--min-ttl=1s"],
    mayAlso: (user, { resource }) => user.username === leaver.user && resource === "nodes" && !isLeaverGone,
  });
  world = {
    send: stage.client.send,
    webhookCalls: () =>
      Promise.resolve([...stage.api.webhookCalls().values()].reduce((sum, calls) => sum + calls, 0)),
    writesOfEachKind: 50,
    leaverMayWrite: (may) => {
      isLeaverGone = !may;
      return Promise.resolve();
    },
  };
}, 120_000);
afterAll(() => stage.close());

describe("on the embedded API server, with the real webhook over HTTPS", () => {
  allScenarios(() => world);
});
