/** One named Secret, read and written without losing what others keep in it. */
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf, KubeError } from "./failure.ts";
import { objectAt, textAt, textsAt } from "./json.ts";

export interface SecretSnapshot {
  /** Decoded values as UTF-8 text; a value that is no base64 text is left out. */
  readonly data: ReadonlyMap<string, string>;
  readonly resourceVersion: string;
  readonly uid: string;
  readonly type: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

/** What to change. A key that is not named stays as it is; undefined removes the key. */
export interface SecretChange {
  readonly data: ReadonlyMap<string, string | undefined>;
  readonly labels?: ReadonlyMap<string, string | undefined>;
  readonly annotations?: ReadonlyMap<string, string | undefined>;
}

/** Port for one Secret. Everything that is not a normal answer is thrown as a KubeError. */
export interface SecretStore {
  /** `namespace/name`, for messages. */
  readonly title: string;
  /** undefined if there is no such Secret. */
  read(signal: AbortSignal): Promise<SecretSnapshot | undefined>;
  /** Makes the Secret; "exists" if someone was faster, and then nothing is changed. */
  create(content: SecretChange, signal: AbortSignal): Promise<"created" | "exists">;
  /** Changes the Secret if it is still as it was read; otherwise nothing is changed. */
  replace(
    snapshot: SecretSnapshot,
    change: SecretChange,
    signal: AbortSignal,
  ): Promise<"replaced" | "conflict" | "gone">;
}

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** The real store. RBAC: `get`, `patch` on that Secret, `create` on secrets in its namespace. */
export function makeSecretStore(kube: KubeConnection, secret: SecretName): SecretStore {
  const title = `${secret.namespace}/${secret.name}`;
  const collection = apiPath("api", "v1", "namespaces", secret.namespace, "secrets");
  const path = collection + apiPath(secret.name);

  return {
    title,
    async read(signal) {
      const doing = `read Secret ${title}`;
      try {
        return parseSecret(await kube.request({ doing, method: "GET", path, signal }), doing);
      } catch (thrown) {
        if (failureOf(thrown).kind === "not-found") return undefined;
        throw thrown;
      }
    },
    async create(content, signal) {
      const body = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
          ...secret,
          labels: present(content.labels),
          annotations: present(content.annotations),
        },
        // Opaque: kubernetes.io/tls would let the API server refuse states that we want to be able to repair.
        type: "Opaque",
        data: present(content.data, encode),
      };
      try {
        await kube.request({
          doing: `create Secret ${title}`,
          method: "POST",
          path: collection,
          body,
          signal,
        });
        return "created";
      } catch (thrown) {
        if (failureOf(thrown).kind === "exists") return "exists";
        throw thrown;
      }
    },
    async replace(snapshot, change, signal) {
      // A merge patch touches the named keys only; the resourceVersion in it makes it conditional (409 if changed).
      const body = {
        metadata: {
          resourceVersion: snapshot.resourceVersion,
          uid: snapshot.uid,
          labels: mergeable(change.labels),
          annotations: mergeable(change.annotations),
        },
        data: mergeable(change.data, encode),
      };
      try {
        await kube.request({
          doing: `change Secret ${title}`,
          method: "PATCH",
          path,
          body,
          contentType: "application/merge-patch+json",
          signal,
        });
        return "replaced";
      } catch (thrown) {
        const { kind } = failureOf(thrown);
        if (kind === "conflict") return "conflict";
        if (kind === "not-found") return "gone";
        throw thrown;
      }
    },
  };
}

function parseSecret(json: unknown, doing: string): SecretSnapshot {
  const metadata = objectAt(json, "metadata");
  const resourceVersion = textAt(metadata, "resourceVersion");
  const uid = textAt(metadata, "uid");
  if (textAt(json, "kind") !== "Secret" || resourceVersion === undefined || uid === undefined) {
    throw new KubeError(doing, { kind: "garbage", sentence: "the answer is no Secret" });
  }
  const data = new Map<string, string>();
  for (const [key, encoded] of textsAt(json, "data")) {
    data.set(key, Buffer.from(encoded, "base64").toString("utf8"));
  }
  return {
    data,
    resourceVersion,
    uid,
    type: textAt(json, "type") ?? "",
    labels: textsAt(metadata, "labels"),
    annotations: textsAt(metadata, "annotations"),
  };
}

function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** For a new object: only the keys that have a value. */
function present(
  changes: ReadonlyMap<string, string | undefined> | undefined,
  as: (text: string) => string = (text) => text,
): Record<string, string> | undefined {
  if (changes === undefined) return undefined;
  return Object.fromEntries(
    [...changes].flatMap(([key, text]) => (text === undefined ? [] : [[key, as(text)]])),
  );
}

/** For a merge patch: null removes a key (RFC 7386). */
function mergeable(
  changes: ReadonlyMap<string, string | undefined> | undefined,
  as: (text: string) => string = (text) => text,
): Record<string, string | null> | undefined {
  if (changes === undefined) return undefined;
  return Object.fromEntries([...changes].map(([key, text]) => [key, text === undefined ? null : as(text)]));
}
