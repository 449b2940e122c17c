/** All steps in their order; later ones build on what earlier ones left. */
import { accessSteps } from "./cases/access.ts";
import { deletionSteps } from "./cases/deletion.ts";
import { guardSteps, mutationSteps } from "./cases/guard.ts";
import { namespacedSteps } from "./cases/namespaced.ts";
import { nodeSteps } from "./cases/nodes.ts";
import { registration } from "./cases/registration.ts";
import type { WebhookPlace } from "./cases/registration.ts";
import { webhookAnswers } from "./cases/webhook-answers.ts";
import { webhookQuestions } from "./cases/webhook-questions.ts";
import type { Step } from "./step.ts";

/** @throws RangeError if two steps have one title: the recording could not tell them apart. */
export function allSteps(place: WebhookPlace): readonly Step[] {
  const webhook = registration(place);
  const steps = [
    ...nodeSteps,
    ...deletionSteps,
    ...namespacedSteps,
    ...accessSteps,
    ...webhookQuestions(webhook),
    ...webhookAnswers(webhook, place),
    ...guardSteps(webhook),
    ...mutationSteps(webhook),
  ];
  const seen = new Set<string>();
  for (const { title } of steps) {
    if (seen.has(title)) throw new RangeError(`two steps are called ${JSON.stringify(title)}`);
    seen.add(title);
  }
  return steps;
}
