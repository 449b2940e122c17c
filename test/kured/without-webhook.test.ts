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
  async stop() {
    await waitForWebhook(ONE_SECOND);
    stage.webhook.kill("SIGSTOP");
  },
  async start() {
    stage.webhook.kill("SIGCONT");
    await waitForWebhook(MOST_SECONDS);
  },
};
/** For a webhook that says nothing; the chart's 3 s would be most of what these tests take. */
const ONE_SECOND = 1;
/** For one that answers: as long as an API server can be told to, as the machine may be busy. */
const MOST_SECONDS = 30;

beforeAll(async () => {
  stage = await startStage();
  await waitForWebhook(MOST_SECONDS);
  world = embeddedWorld(stage.client.send);
}, 120_000);
afterAll(() => stage.close());

async function waitForWebhook(seconds: number): Promise<void> {
  for (const [kind, entries] of [
    ["validating", 1],
    ["mutating", 2],
  ] as const) {
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/nodelatch`;
    const body = Array.from({ length: entries }, (_, at) => ({
      op: "replace",
      path: `/webhooks/${at}/timeoutSeconds`,
      value: seconds,
    }));
    const contentType = "application/json-patch+json";
    const answer = await stage.client.send({ method: "PATCH", path, contentType, body });
    expect(answer).toMatchObject({ status: 200 });
  }
}

describe("kured on the embedded API server", () => {
  withoutWebhookScenarios(() => world, webhook);
});
