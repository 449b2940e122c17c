/** Asks the API server who may do what: break a lock, write a node. */
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf, KubeError } from "./failure.ts";
import { objectAt, textAt } from "./json.ts";

/** Who asks, as the API server's admission request names them. */
export interface AccessReviewCaller {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type AccessAnswer =
  | { readonly kind: "allowed" | "denied"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string; readonly cause: unknown };

/** Neither method ever throws: what can't be asked is "unknown", and the caller must treat it as no. */
export interface AccessReviews {
  /** Whether the caller may break the node's lock: verb `override` on `rebootlocks.nodelatch.io`. */
  mayOverride(caller: AccessReviewCaller, nodeName: string, signal: AbortSignal): Promise<AccessAnswer>;
  /** Whether a user may uncordon the node: verb `patch` or `update`, as admission does not say by which one came. */
  mayWriteNode(
    user: Pick<AccessReviewCaller, "username" | "groups">,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<AccessAnswer>;
}

export interface AccessReviewSettings {
  /** For each method. Defaults to 1_500: the webhook itself has 3 s, and its answer must still get out. */
  readonly timeoutMillis?: number;
}

interface Question {
  readonly doing: string;
  readonly subject: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly timeoutMillis: number;
  readonly signal: AbortSignal;
}

/** The real one. RBAC: `create` on `subjectaccessreviews.authorization.k8s.io`. */
export function makeAccessReviews(kube: KubeConnection, settings: AccessReviewSettings = {}): AccessReviews {
  const timeoutMillis = settings.timeoutMillis ?? 1_500;

  async function ask({ doing, subject, attributes, ...limits }: Question): Promise<AccessAnswer> {
    try {
      const answer = await kube.request({
        doing,
        method: "POST",
        path: apiPath("apis", "authorization.k8s.io", "v1", "subjectaccessreviews"),
        body: {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SubjectAccessReview",
          spec: { ...subject, resourceAttributes: attributes },
        },
        // A review stores nothing.
        repeatable: true,
        ...limits,
      });
      return answerOf(answer, doing);
    } catch (cause) {
      return { kind: "unknown", reason: failureOf(cause).sentence, cause };
    }
  }

  return {
    mayOverride: ({ username, uid, groups, extra }, nodeName, signal) =>
      ask({
        doing: "ask whether the caller may override the reboot lock",
        subject: { user: username, uid, groups, extra: lowerCased(extra) },
        attributes: { group: "nodelatch.io", resource: "rebootlocks", verb: "override", name: nodeName },
        timeoutMillis,
        signal,
      }),
    async mayWriteNode({ username, groups }, nodeName, signal) {
      const mayDo = (verb: string): Promise<AccessAnswer> =>
        ask({
          doing: `ask whether a user may ${verb} the node`,
          subject: { user: username, groups },
          attributes: { group: "", resource: "nodes", verb, name: nodeName },
          timeoutMillis: timeoutMillis / 2,
          signal,
        });
      const mayPatch = await mayDo("patch");
      return mayPatch.kind === "denied" ? mayDo("update") : mayPatch;
    },
  };
}

function answerOf(json: unknown, doing: string): AccessAnswer {
  const status = objectAt(json, "status");
  const allowed = status?.["allowed"];
  if (status === undefined || typeof allowed !== "boolean") {
    throw new KubeError(doing, { kind: "garbage", sentence: "the answer has no status.allowed" });
  }
  // `denied` outranks `allowed` by the type's own contract; both at once would be a broken authorizer.
  if (allowed && status["denied"] !== true)
    return { kind: "allowed", reason: textAt(status, "reason") ?? "" };
  // An authorizer may fail while the others still say no: that is a no, with the error told.
  const said = [textAt(status, "reason"), textAt(status, "evaluationError")].filter(
    (text) => (text ?? "") !== "",
  );
  return { kind: "denied", reason: said.join("; ") };
}

/** The API compares keys in lower case; HTTP-borne identities (client certificates, OIDC) may bring others. */
function lowerCased(extra: AccessReviewCaller["extra"]): Record<string, readonly string[]> {
  const merged = new Map<string, readonly string[]>();
  for (const [key, values] of Object.entries(extra)) {
    const lower = key.toLowerCase();
    merged.set(lower, [...(merged.get(lower) ?? []), ...values]);
  }
  return Object.fromEntries(merged);
}
