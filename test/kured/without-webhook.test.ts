/** kured while the webhook is away, on the embedded API server; a file of its own, as the webhook is everybody's. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startStage, type Stage } from "../simulated/stage.ts";
import { embeddedWorld } from "./embedded-world.ts";
import { withoutWebhookScenarios, type WebhookSwitch } from "./without-webhook.ts";
import type { KuredWorld } from "./world.ts";

let stage: Stage;
let world: KuredWorld;
// It is there, and says nothing: the API server waits as long as the registration says.
const webhook: WebhookSwitch = {
  stop: async () => Promise.resolve(void stage.webhook.kill("SIGSTOP")),
  start: async () => Promise.resolve(void stage.webhook.kill("SIGCONT")),
};

beforeAll(async () => {
  stage = await startStage();
  await waitOnlyOneSecond();
  world = embeddedWorld(stage.client.send);
}, 120_000);
afterAll(() => stage.close());

/** For a webhook that says nothing; the chart's 3 s would be most of what these tests take. */
async function waitOnlyOneSecond(): Promise<void> {
  for (const [kind, entries] of [
    ["validating", 1],
    ["mutating", 2],
  ] as const) {
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/nodelatch`;
    const body = Array.from({ length: entries }, (_, at) => ({
      op: "replace",
      path: `/webhooks/${at}/timeoutSeconds`,
      value: 1,
    }));
    const contentType = "application/json-patch+json";
    const answer = await stage.client.send({ method: "PATCH", path, contentType, body });
    expect(answer).toMatchObject({ status: 200 });
  }
}

describe("kured on the embedded API server", () => {
  withoutWebhookScenarios(() => world, webhook);
});
