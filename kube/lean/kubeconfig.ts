/**
 * What a kubeconfig says of one cluster and one user. Pure. It supports what a service needs: tokens and client
 * certificates, in the file or beside it. Everything else that would change who asks, whom, or how safely, is refused
 * by name.
 */
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { isObject, objectAt, textAt, type JsonObject } from "../json.ts";

/** In the file itself, or at an absolute path. */
export type Pem = { readonly kind: "text"; readonly text: string } | FileAt;

interface FileAt {
  readonly kind: "file";
  readonly path: string;
}

export interface KubeconfigAccess {
  /** Base URL, https. */
  readonly server: string;
  readonly serverName: string | undefined;
  readonly namespace: string | undefined;
  readonly ca: Pem | undefined;
  readonly pair: { readonly certificate: Pem; readonly key: Pem } | undefined;
  readonly token: { readonly kind: "text"; readonly text: string } | FileAt | undefined;
}

const INSTEAD = "use token, tokenFile, or client-certificate and client-key";
/** Fields that must not be skipped in silence, with what to do about them. */
const REFUSED_OF_USER: Readonly<Record<string, string>> = {
  exec: `programs that fetch credentials are not run; ${INSTEAD}`,
  "auth-provider": `not supported; ${INSTEAD}`,
  username: `not supported; ${INSTEAD}`,
  as: "acting as somebody else is not supported; use that user's own credentials",
};
const REFUSED_OF_CLUSTER: Readonly<Record<string, string>> = {
  "insecure-skip-tls-verify": "the API server is always verified; give certificate-authority",
  "proxy-url": "proxies are not supported; give a server that is reached directly",
};

/**
 * @param path of the file: relative paths in it start from its folder, and messages name it.
 * @param context Name of the context; the file's current one if absent.
 * @throws Error naming the file, the field and what to do.
 */
export function parseKubeconfig(text: string, path: string, context?: string): KubeconfigAccess {
  const bad = (what: string, cause?: unknown): Error =>
    new Error(`kubeconfig ${path}: ${what}`, cause === undefined ? undefined : { cause });
  let root: unknown;
  try {
    root = parse(text);
  } catch (cause) {
    throw bad("not YAML", cause);
  }
  const wanted = context ?? textAt(root, "current-context") ?? "";
  const contexts = namedIn(root, "contexts", "context");
  const chosen = contexts.get(wanted);
  if (chosen === undefined) {
    throw bad(`context "${wanted}" does not exist; it has: ${[...contexts.keys()].join(", ") || "none"}`);
  }
  const part = (kind: "cluster" | "user"): JsonObject => {
    const found = namedIn(root, `${kind}s`, kind).get(textAt(chosen, kind) ?? "");
    if (found === undefined) throw bad(`context "${wanted}" names a ${kind} that is not in the file`);
    return found;
  };
  const [cluster, user] = [part("cluster"), part("user")];
  refuse(cluster, "clusters[].cluster", REFUSED_OF_CLUSTER, bad);
  refuse(user, "users[].user", REFUSED_OF_USER, bad);
  const server = textAt(cluster, "server") ?? "";
  if (!URL.canParse(server) || new URL(server).protocol !== "https:") {
    throw bad(`clusters[].cluster.server ${JSON.stringify(server)}: expected an https:// URL`);
  }
  const pem = (object: JsonObject, field: string): Pem | undefined => pemAt(object, field, path, bad);
  const [certificate, key] = [pem(user, "client-certificate"), pem(user, "client-key")];
  if ((certificate === undefined) !== (key === undefined)) {
    throw bad("users[].user: client-certificate and client-key are needed together, one is missing");
  }
  return {
    server,
    serverName: filled(textAt(cluster, "tls-server-name")),
    namespace: filled(textAt(chosen, "namespace")),
    ca: pem(cluster, "certificate-authority"),
    pair: certificate === undefined || key === undefined ? undefined : { certificate, key },
    token: tokenIn(user, path),
  };
}

type Bad = (what: string, cause?: unknown) => Error;

/** The entries of a list `[{name, [member]: {...}}]` by name; the first of a name holds, as for kubectl. */
function namedIn(root: unknown, list: string, member: string): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  const entries: unknown = isObject(root) ? root[list] : undefined;
  for (const entry of Array.isArray(entries) ? entries : []) {
    const name = textAt(entry, "name");
    // A user without any field is written as null, or left out.
    if (name !== undefined && !found.has(name)) found.set(name, objectAt(entry, member) ?? {});
  }
  return found;
}

function refuse(
  object: JsonObject,
  where: string,
  refused: Readonly<Record<string, string>>,
  bad: Bad,
): void {
  for (const [field, remedy] of Object.entries(refused)) {
    const value = object[field];
    if (value === undefined || value === null || value === false || value === "") continue;
    throw bad(`${where}.${field}: ${remedy}`);
  }
}

/** FIELD-data, which is base64 and wins, or FIELD, which is a path. */
function pemAt(object: JsonObject, field: string, path: string, bad: Bad): Pem | undefined {
  const data = filled(textAt(object, `${field}-data`));
  if (data !== undefined) {
    const text = Buffer.from(data, "base64").toString("utf8");
    if (!text.includes("-----BEGIN ")) throw bad(`${field}-data: expected PEM in base64`);
    return { kind: "text", text };
  }
  const file = filled(textAt(object, field));
  return file === undefined ? undefined : { kind: "file", path: resolve(dirname(path), file) };
}

/** Of the two the file wins, as for client-go. */
function tokenIn(user: JsonObject, path: string): KubeconfigAccess["token"] {
  const file = filled(textAt(user, "tokenFile"));
  if (file !== undefined) return { kind: "file", path: resolve(dirname(path), file) };
  const text = filled(textAt(user, "token"));
  return text === undefined ? undefined : { kind: "text", text };
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
