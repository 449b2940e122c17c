/** The questions one can POST: may they, may I, who am I. Nothing is stored. */
import { objectAt, own, textAt, textsAt } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import { AUTHENTICATION_GROUP } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { invalid, invalidValue } from "../objects/status.ts";
import type { AccessAttributes, Authorizer } from "./authorizer.ts";
import { userJson } from "./user.ts";
import type { UserInfo } from "./user.ts";

const ONE_QUESTION = "exactly one of nonResourceAttributes or resourceAttributes must be specified";

/** The review with its `status` filled. @throws StatusError 422 for a review that asks nothing. */
export function answerReview(
  resource: Resource,
  review: JsonObject,
  user: UserInfo,
  authorizer: Authorizer,
): JsonObject {
  if (resource.group === AUTHENTICATION_GROUP) return { ...review, status: { userInfo: userJson(user) } };
  const spec = objectAt(review, "spec");
  const subject = resource.name.startsWith("self") ? user : subjectOf(spec);
  const asked = questionOf(spec);
  const nobody = subject.username === "" && subject.groups.length === 0;
  const errors = [
    ...(asked === undefined ? [invalidValue("spec.resourceAttributes", null, ONE_QUESTION)] : []),
    ...(nobody ? [invalidValue("spec.user", "", "at least one of user or group must be specified")] : []),
  ];
  if (asked === undefined || nobody) throw invalid({ group: resource.group, kind: "" }, errors);
  return { ...review, status: { allowed: authorizer.allows(subject, asked) } };
}

function questionOf(spec: JsonObject): AccessAttributes | undefined {
  const nothing = { verb: "", group: "", resource: "", subresource: "", namespace: "", name: "", path: "" };
  if (own(spec, "nonResourceAttributes") !== undefined) {
    const given = objectAt(spec, "nonResourceAttributes");
    return { ...nothing, verb: textAt(given, "verb"), path: textAt(given, "path") };
  }
  if (own(spec, "resourceAttributes") === undefined) return undefined;
  const given = objectAt(spec, "resourceAttributes");
  return {
    verb: textAt(given, "verb"),
    group: textAt(given, "group"),
    resource: textAt(given, "resource"),
    subresource: textAt(given, "subresource"),
    namespace: textAt(given, "namespace"),
    name: textAt(given, "name"),
    path: "",
  };
}

function subjectOf(spec: JsonObject): UserInfo {
  const extra = objectAt(spec, "extra");
  return {
    username: textAt(spec, "user"),
    uid: textAt(spec, "uid"),
    groups: textsAt(spec, "groups"),
    extra: Object.fromEntries(Object.keys(extra).map((key) => [key, textsAt(extra, key)])),
  };
}
