/** Defaults and checks of webhook configurations; a configuration the real server refuses is refused here too. */
import { compileCondition } from "../admission/match-conditions.ts";
import { listAt, objectAt, own, textAt, textsAt } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { isSubdomain } from "./metadata-rules.ts";
import { invalidValue, requiredValue, unsupportedValue } from "./status.ts";
import type { FieldError } from "./status.ts";

const MAX_MATCH_CONDITIONS = 64;

export function withWebhookDefaults(object: JsonObject, mutating: boolean): JsonObject {
  const webhooks = listAt(object, "webhooks").map((webhook) => withDefaults(objectAt(webhook), mutating));
  return webhooks.length === 0 ? object : { ...object, webhooks };
}

function withDefaults(webhook: JsonObject, mutating: boolean): JsonObject {
  const client = objectAt(webhook, "clientConfig");
  const service = own(client, "service");
  const rules = listAt(webhook, "rules").map((rule): Json => ({ scope: "*", ...objectAt(rule) }));
  return {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...(mutating ? { reinvocationPolicy: "Never" } : {}),
    ...webhook,
    ...(service === undefined
      ? {}
      : { clientConfig: { ...client, service: { port: 443, ...objectAt(service) } } }),
    ...(rules.length === 0 ? {} : { rules }),
  };
}

export function checkWebhooks(object: JsonObject): FieldError[] {
  const names = new Set<string>();
  return listAt(object, "webhooks").flatMap((item, index) => {
    const webhook = objectAt(item);
    const name = textAt(webhook, "name");
    const errors = checkWebhook(webhook, `webhooks[${index}]`);
    if (names.has(name)) errors.push(invalidValue(`webhooks[${index}].name`, name, "Duplicate value"));
    names.add(name);
    return errors;
  });
}

function checkWebhook(webhook: JsonObject, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(webhook, "name");
  if (!isSubdomain(name) || name.split(".").length < 3) {
    errors.push(
      invalidValue(`${at}.name`, name, "should be a domain with at least three segments separated by dots"),
    );
  }
  const sideEffects = textAt(webhook, "sideEffects");
  if (sideEffects === "")
    errors.push(requiredValue(`${at}.sideEffects`, "must specify one of None, NoneOnDryRun"));
  else if (!["None", "NoneOnDryRun"].includes(sideEffects)) {
    errors.push(unsupportedValue(`${at}.sideEffects`, sideEffects, ["None", "NoneOnDryRun"]));
  }
  const versions = textsAt(webhook, "admissionReviewVersions");
  if (versions.length === 0) {
    errors.push(requiredValue(`${at}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
  } else if (!versions.includes("v1")) {
    errors.push(
      invalidValue(`${at}.admissionReviewVersions`, versions, "must include v1 (v1beta1 is not spoken here)"),
    );
  }
  const policy = textAt(webhook, "failurePolicy");
  if (!["Fail", "Ignore"].includes(policy)) {
    errors.push(unsupportedValue(`${at}.failurePolicy`, policy, ["Fail", "Ignore"]));
  }
  const seconds = own(webhook, "timeoutSeconds");
  if (typeof seconds !== "number" || seconds < 1 || seconds > 30) {
    errors.push(
      invalidValue(`${at}.timeoutSeconds`, seconds, "the timeout value must be between 1 and 30 seconds"),
    );
  }
  errors.push(...checkClientConfig(objectAt(webhook, "clientConfig"), `${at}.clientConfig`));
  errors.push(...checkMatchConditions(webhook, at));
  for (const [index, rule] of listAt(webhook, "rules").entries()) {
    for (const field of ["operations", "apiVersions", "resources"]) {
      if (textsAt(objectAt(rule), field).length === 0)
        errors.push(requiredValue(`${at}.rules[${index}].${field}`));
    }
  }
  return errors;
}

function checkClientConfig(client: JsonObject, at: string): FieldError[] {
  const url = own(client, "url");
  const service = own(client, "service");
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined)) {
    errors.push(requiredValue(at, "exactly one of url or service is required"));
  }
  if (typeof url === "string" && !url.startsWith("https://")) {
    errors.push(invalidValue(`${at}.url`, url, "'https' is the only allowed URL scheme"));
  }
  return errors;
}

function checkMatchConditions(webhook: JsonObject, at: string): FieldError[] {
  const conditions = listAt(webhook, "matchConditions");
  if (conditions.length > MAX_MATCH_CONDITIONS) {
    const body = `Too many: ${conditions.length}: must have at most ${MAX_MATCH_CONDITIONS} items`;
    return [{ type: "FieldValueInvalid", field: `${at}.matchConditions`, body }];
  }
  return conditions.flatMap((item, index) => {
    const expression = textAt(objectAt(item), "expression");
    const compiled = compileCondition(expression);
    return compiled.kind === "ok"
      ? []
      : [invalidValue(`${at}.matchConditions[${index}].expression`, expression, compiled.why)];
  });
}
