/** Asks the API server whether a caller may break a lock: RBAC verb `override` on `rebootlocks.nodelatch.io`. */
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

export interface AccessReviews {
  /** Never throws: what can't be asked is "unknown", and the caller must treat it as no. */
  mayOverride(caller: AccessReviewCaller, nodeName: string, signal: AbortSignal): Promise<AccessAnswer>;
}

export interface AccessReviewSettings {
  /** Defaults to 1_500: the webhook itself has 3 s, and its refusal must still get out. */
  readonly timeoutMillis?: number;
}

/** The real one. RBAC: `create` on `subjectaccessreviews.authorization.k8s.io`. */
export function makeAccessReviews(kube: KubeConnection, settings: AccessReviewSettings = {}): AccessReviews {
  return {
    async mayOverride(caller, nodeName, signal) {
      const doing = "ask whether the caller may override the reboot lock";
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: caller.username,
          uid: caller.uid,
          groups: caller.groups,
          extra: lowerCased(caller.extra),
          resourceAttributes: {
            group: "nodelatch.io",
            resource: "rebootlocks",
            verb: "override",
            name: nodeName,
          },
        },
      };
      try {
        const answer = await kube.request({
          doing,
          method: "POST",
          path: apiPath("apis", "authorization.k8s.io", "v1", "subjectaccessreviews"),
          body,
          signal,
          timeoutMillis: settings.timeoutMillis ?? 1_500,
          // A review stores nothing.
          repeatable: true,
        });
        return answerOf(answer, doing);
      } catch (cause) {
        return { kind: "unknown", reason: failureOf(cause).sentence, cause };
      }
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
