/** What the answers and failures of a webhook do to a request, and what keeps a webhook from being called. */
import type { JsonObject } from "../../objects/json.ts";
import { MERGE, patch } from "../step.ts";
import type { Step } from "../step.ts";
import { label, W1 } from "./registration.ts";
import type { Registration, WebhookPlace } from "./registration.ts";

const PARSER = { loose: "the parser's words are its own" };
const failing = { name: "fails", expression: "object.spec.nowhere == 'x'" };
const never = { name: "no", expression: "1 + 1 == 3" };
const ignored = { failurePolicy: "Ignore" };
const service = { name: "none", namespace: "default", path: "/x" };
const notLinux = { key: "kubernetes.io/os", operator: "NotIn", values: ["linux"] };
const rule = { apiGroups: ["*"], apiVersions: ["*"], operations: ["UPDATE"], resources: ["*"] };

export function webhookAnswers(registration: Registration, place: WebhookPlace): readonly Step[] {
  const { hook, validating, register, client } = registration;
  /** One way of answering, one request. */
  const way = (name: string, what = "", more: JsonObject = {}, step: Partial<Step> = {}): Step[] => [
    register(`registers ${name}${what}`, validating(hook(name, more))),
    patch(`is answered ${name}${what}`, W1, MERGE, label(name), step),
  ];
  return [
    ...way("deny"),
    ...way("deny-bare"),
    ...way("deny-reason"),
    ...way("deny-warn"),
    ...way("warn"),
    ...way("http-500"),
    ...way("http-404"),
    ...way("http-413"),
    ...way("hang-up"),
    ...way("not-json", "", {}, PARSER),
    ...way("wrong-uid"),
    ...way("wrong-version", "", {}, { loose: "the real server's words are about Go types" }),
    ...way("no-response"),
    ...way("mutate"),
    ...way("retry"),
    ...way("busy"),
    ...way("slow"),
    ...way("slow", " and ignored", ignored),
    ...way("http-500", " and ignored", ignored),
    ...way("deny", " though failures are ignored", ignored),
    ...way("dead", "", { clientConfig: { url: `${place.deadUrl}/x` } }),
    ...way("untrusted", "", client("allow", place.otherCaPem)),
    ...way("no-bundle", "", { clientConfig: { url: `${place.url}/allow` } }),
    ...way("broken-bundle", "", client("allow", "x")),
    ...way("no-service", "", { clientConfig: { service } }),
    ...way("deny", " but excluded by a condition", {
      matchConditions: [{ name: "no", expression: "request.name == 'other'" }],
    }),
    ...way("deny", " but a condition fails", { matchConditions: [failing] }),
    ...way("deny", " but two conditions fail", { matchConditions: [failing, { ...failing, name: "too" }] }),
    ...way("deny", " but one fails and one is false", { matchConditions: [failing, never] }),
    ...way("deny", " but a condition fails, which is ignored", { ...ignored, matchConditions: [failing] }),
    ...way("deny", " with numbers in a condition", {
      matchConditions: [
        { name: "add", expression: "object.status.daemonEndpoints.kubeletEndpoint.Port + 1 == 10251" },
      ],
    }),
    ...way("deny", " for objects with a label", {
      objectSelector: { matchLabels: { "kubernetes.io/hostname": "w1" } },
    }),
    ...way("deny", " for objects that are not linux", { objectSelector: { matchExpressions: [notLinux] } }),
    ...way("deny", " in namespaces with a label", { namespaceSelector: { matchLabels: { a: "b" } } }),
    ...way("deny", " for subresources only", { rules: [{ ...rule, resources: ["nodes/*"] }] }),
    ...way("deny", " for main resources only", { rules: [{ ...rule, resources: ["*"] }] }),
    ...way("deny", " for namespaced objects only", { rules: [{ ...rule, scope: "Namespaced" }] }),
    ...way("deny", " for creation only", { rules: [{ ...rule, operations: ["CREATE"] }] }),
  ];
}
