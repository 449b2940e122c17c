/** From a request to a user: bearer token or client certificate, then impersonation. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { badRequest, unauthorized } from "../objects/status.ts";
import { AUTHENTICATION_GROUP } from "../objects/resource.ts";
import type { AccessAttributes, Authorizer } from "./authorizer.ts";
import { authenticated, serviceAccountGroups, serviceAccountOf } from "./user.ts";
import type { UserInfo } from "./user.ts";

/** @throws StatusError 401 */
export function authenticate(request: IncomingMessage, tokens: ReadonlyMap<string, UserInfo>): UserInfo {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const known = bearer === undefined ? certificateUser(request) : tokens.get(bearer.trim());
  if (known === undefined) throw unauthorized();
  return authenticated(known);
}

/** Common name = user, organisations = groups, as in every Kubernetes client certificate. */
function certificateUser(request: IncomingMessage): UserInfo | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // A session resumed without a certificate gives an empty object.
  const { subject } = socket.getPeerCertificate();
  const username: unknown = subject?.CN;
  if (typeof username !== "string" || username === "") return undefined;
  const organisations: unknown = subject.O ?? [];
  const groups = Array.isArray(organisations) ? organisations.map(String) : [String(organisations)];
  return { username, uid: "", groups, extra: {} };
}

const EXTRA_HEADER = "impersonate-extra-";

/**
 * `kubectl --as`. Every part that is impersonated must be allowed by itself: the user (or ServiceAccount), each
 * group, the uid, each extra value. A ServiceAccount without groups gets those its name implies.
 * @throws StatusError 403, or 400 for parts without a user
 */
export function impersonate(request: IncomingMessage, user: UserInfo, authorizer: Authorizer): UserInfo {
  const headers = new Map(
    Object.entries(request.headersDistinct).map(([key, values]) => [key, values ?? []]),
  );
  const username = headers.get("impersonate-user")?.join("") ?? "";
  const groups = headers.get("impersonate-group") ?? [];
  const uid = headers.get("impersonate-uid")?.join("") ?? "";
  const extra = [...headers]
    .filter(([key]) => key.startsWith(EXTRA_HEADER))
    .map(([key, values]): [string, string[]] => [decodeURIComponent(key.slice(EXTRA_HEADER.length)), values]);
  if (username === "") {
    if (groups.length === 0 && uid === "" && extra.length === 0) return user;
    throw badRequest(`requested ${groups.join(", ")} without impersonating a user`);
  }
  const account = serviceAccountOf(username);
  demand(
    account === undefined
      ? access("users", username)
      : access("serviceaccounts", account.name, account.namespace),
  );
  for (const group of groups) demand(access("groups", group));
  if (uid !== "") demand({ ...access("uids", uid), group: AUTHENTICATION_GROUP });
  for (const [key, values] of extra) {
    for (const value of values) {
      demand({ ...access("userextras", value), group: AUTHENTICATION_GROUP, subresource: key });
    }
  }
  return authenticated({
    username,
    uid,
    groups: groups.length === 0 ? serviceAccountGroups(username) : groups,
    extra: Object.fromEntries(extra),
  });

  function demand(attributes: AccessAttributes): void {
    authorizer.demand(user, attributes);
  }
}

function access(resource: string, name: string, namespace = ""): AccessAttributes {
  return { verb: "impersonate", group: "", resource, subresource: "", namespace, name, path: "" };
}
