/**
 * The admission chain: mutating webhooks one after the other, later the validating ones all at once.
 * That a dry run meets no side effects is settled at registration: v1 takes None and NoneOnDryRun only.
 */
import { randomUUID } from "node:crypto";
import { listAt, objectAt, own, textAt } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import { forbidden, internalError, StatusError } from "../objects/status.ts";
import { mutatingWebhooks, subjectOf, validatingWebhooks } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import type { AdmissionMetrics, WebhookType } from "./admission-metrics.ts";
import { requestOf } from "./attributes.ts";
import type { Attributes, Objects } from "./attributes.ts";
import { activation, matchConditions } from "./match-conditions.ts";
import { webhookMatches } from "./match-webhook.ts";
import { InvalidAnswer, parseAnswer } from "./webhook-answer.ts";
import type { Answer } from "./webhook-answer.ts";
import type { WebhookClient } from "./webhook-client.ts";

export interface Admission {
  /** The object after all mutating webhooks; null stays null. @throws StatusError of a refusal. */
  mutate(attributes: Attributes, objects: Objects): Promise<JsonObject | null>;
  /** @throws StatusError of the first refusal. */
  validate(attributes: Attributes, objects: Objects): Promise<void>;
}

export interface AdmissionOptions {
  /** The registered configurations of one kind, in the order of their names. */
  readonly configurations: (kind: Resource) => readonly JsonObject[];
  readonly namespaceLabels: (namespace: string) => JsonObject | undefined;
  /** Decodes what a patch made, as for any other write. */
  readonly decode: (resource: Resource, raw: JsonObject) => JsonObject;
  readonly client: WebhookClient;
  readonly metrics: AdmissionMetrics;
  /** Milliseconds, monotonic. */
  readonly monotonicMillis: () => number;
}

export function admission(options: AdmissionOptions): Admission {
  const { configurations, namespaceLabels, client, metrics } = options;

  /** The webhooks of all configurations that this request is about, conditions aside. */
  function candidates(kind: Resource): readonly JsonObject[] {
    return configurations(kind).flatMap((item) =>
      listAt(item, "webhooks").map((webhook) => objectAt(webhook)),
    );
  }

  /** @throws StatusError 403 if a condition fails under failurePolicy Fail; the webhook is not called then. */
  function shouldCall(
    webhook: JsonObject,
    type: WebhookType,
    attributes: Attributes,
    objects: Objects,
  ): boolean {
    if (!webhookMatches(webhook, attributes, objects, namespaceLabels)) return false;
    const conditions = listAt(webhook, "matchConditions").map((item) => ({
      name: textAt(objectAt(item), "name"),
      expression: textAt(objectAt(item), "expression"),
    }));
    if (conditions.length === 0) return true;
    const name = textAt(webhook, "name");
    const values = activation(requestOf(attributes), objects.object, objects.oldObject);
    const result = matchConditions(conditions, values);
    if (result.kind === "matches") return true;
    if (result.kind === "error") metrics.conditionFailed(name, type, attributes.operation);
    if (result.kind === "error" && !ignoresFailure(webhook)) {
      throw forbidden(subjectOf(attributes.resource, attributes.name), result.why);
    }
    metrics.excluded(name, type, attributes.operation);
    return false;
  }

  /** One call and what it means; undefined if it failed and failurePolicy says to go on. @throws StatusError */
  async function ask(
    webhook: JsonObject,
    type: WebhookType,
    index: number,
    attributes: Attributes,
    objects: Objects,
  ): Promise<Answer | undefined> {
    const name = textAt(webhook, "name");
    const { operation, notes } = attributes;
    const started = options.monotonicMillis();
    const count = (code: number, rejected: boolean): void => {
      metrics.called({
        name,
        type,
        operation,
        code,
        rejected,
        seconds: (options.monotonicMillis() - started) / 1000,
      });
    };
    const outcome = await call(webhook, type, attributes, objects);
    if (outcome.kind === "failed") {
      const rejected = !ignoresFailure(webhook);
      count(outcome.code, rejected);
      if (rejected) {
        metrics.rejected(name, type, operation, "calling_webhook_error", outcome.code);
        throw internalError(`failed calling webhook ${JSON.stringify(name)}: ${outcome.why}`, outcome.cause);
      }
      metrics.failedOpen(name, type);
      const step = type === "admit" ? "mutation" : "validating";
      notes.audit[`failed-open.${step}.webhook.admission.k8s.io/round_0_index_${index}`] = name;
      return undefined;
    }
    const { answer } = outcome;
    for (const [key, value] of Object.entries(answer.audit)) notes.audit[`${name}/${key}`] = value;
    notes.warnings.push(...answer.warnings);
    if (answer.allowed) {
      count(200, false);
      return answer;
    }
    const refusal = refusalOf(name, answer.result);
    count(refusal.code, true);
    metrics.rejected(name, type, operation, "no_error", refusal.code);
    throw refusal;
  }

  async function call(
    webhook: JsonObject,
    type: WebhookType,
    attributes: Attributes,
    objects: Objects,
  ): Promise<
    { kind: "answered"; answer: Answer } | { kind: "failed"; why: string; code: number; cause?: unknown }
  > {
    const uid = randomUUID();
    const review: JsonObject = {
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: { uid, ...requestOf(attributes), object: objects.object, oldObject: objects.oldObject },
    };
    const reply = await client.call(webhook, review);
    if (reply.kind === "failed") return reply;
    try {
      return { kind: "answered", answer: parseAnswer(reply.body, uid, type === "admit") };
    } catch (error) {
      if (!(error instanceof InvalidAnswer) && !(error instanceof StatusError)) throw error;
      const why = `received invalid webhook response: ${error.message}`;
      return { kind: "failed", why, code: 503, cause: error };
    }
  }

  return {
    mutate: async (attributes, objects) => {
      let { object } = objects;
      if (isExempt(attributes)) return object;
      for (const [index, webhook] of candidates(mutatingWebhooks).entries()) {
        const now = { object, oldObject: objects.oldObject };
        if (!shouldCall(webhook, "admit", attributes, now)) continue;
        const answer = await ask(webhook, "admit", index, attributes, now);
        if (answer === undefined || answer.patch.length === 0) continue;
        const name = textAt(webhook, "name");
        if (object === null) {
          const why = `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`;
          throw internalError(why);
        }
        object = options.decode(attributes.resource, patchedBy(name, object, answer));
      }
      return object;
    },

    validate: async (attributes, objects) => {
      if (isExempt(attributes)) return;
      const webhooks = candidates(validatingWebhooks).filter((webhook) =>
        shouldCall(webhook, "validating", attributes, objects),
      );
      const results = await Promise.allSettled(
        webhooks.map((webhook, index) => ask(webhook, "validating", index, attributes, objects)),
      );
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  };
}

/** Webhooks never see webhook configurations, so that a broken one can always be removed. */
function isExempt({ resource }: Attributes): boolean {
  return resource === validatingWebhooks || resource === mutatingWebhooks;
}

function ignoresFailure(webhook: JsonObject): boolean {
  return textAt(webhook, "failurePolicy") === "Ignore";
}

function patchedBy(name: string, object: JsonObject, answer: Answer): JsonObject {
  try {
    return applyJsonPatch(object, answer.patch);
  } catch (error) {
    throw internalError(
      `patch of admission webhook ${JSON.stringify(name)} does not apply: ${String(error)}`,
      error,
    );
  }
}

/** A refusal always has a code of at least 400, whatever the webhook wrote. */
function refusalOf(name: string, result: JsonObject): StatusError {
  const given = own(result, "code");
  const code = typeof given === "number" && given >= 400 ? given : 400;
  const reason = textAt(result, "reason");
  const said = textAt(result, "message") || reason;
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = said === "" ? `${denied} without explanation` : `${denied}: ${said}`;
  const details = own(result, "details");
  return new StatusError({
    code,
    reason,
    message,
    ...(details === undefined ? {} : { details: objectAt(details) }),
  });
}
