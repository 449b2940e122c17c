/** Who a request is from. */
import type { Json, JsonObject } from "../objects/json.ts";

export interface UserInfo {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** e.g. `authentication.kubernetes.io/node-name` -> ["n1"] for the token of a pod on n1 (KEP-4193). */
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const MASTERS = "system:masters";
const AUTHENTICATED = "system:authenticated";

/** Every known user is in `system:authenticated`, whatever else is said of them. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] };
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The groups that a ServiceAccount's name implies; none for anybody else. */
export function serviceAccountGroups(username: string): readonly string[] {
  const namespace = SERVICE_ACCOUNT.exec(username)?.[1];
  return namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** Namespace and name of a ServiceAccount's username. */
export function serviceAccountOf(username: string): { namespace: string; name: string } | undefined {
  const found = SERVICE_ACCOUNT.exec(username);
  const [namespace, name] = [found?.[1], found?.[2]];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** As `userInfo` in an AdmissionReview; empty parts are left out. */
export function userJson(user: UserInfo): JsonObject {
  const extra = Object.entries(user.extra).map(([key, values]): [string, Json] => [key, [...values]]);
  return {
    ...(user.username === "" ? {} : { username: user.username }),
    ...(user.uid === "" ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}
