import { afterAll, beforeEach, expect, test } from "vitest";
import type { KubeConnection } from "./call.ts";
import { failureOf } from "./failure.ts";
import { isObject, objectAt, textAt } from "./json.ts";
import { makeSecretStore, type SecretStore } from "./secrets.ts";
import { ApiServer, status, type ApiAnswer, type ApiRequest } from "./testing/api-server.ts";

const PATH = "/api/v1/namespaces/ns/secrets";
const signal = new AbortController().signal;
const server = await new ApiServer(answer).listen();
const kube: KubeConnection = await server.connect();
const store: SecretStore = makeSecretStore(kube, { namespace: "ns", name: "tls" });
let stored: Record<string, unknown> | undefined;
let version = 1;

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.answer = answer;
  server.requests.length = 0;
  stored = undefined;
});

/** What the real API server does with one Secret, as far as it matters here. */
function answer({ method, path, headers, body }: ApiRequest): ApiAnswer {
  if (method === "POST" && path === PATH) {
    if (stored !== undefined) return status(409, "AlreadyExists", 'secrets "tls" already exists');
    stored = isObject(body) ? { ...body } : {};
    touch();
    return { status: 201, json: stored };
  }
  if (path !== `${PATH}/tls`)
    return status(404, "NotFound", "the server could not find the requested resource");
  if (stored === undefined) return status(404, "NotFound", 'secrets "tls" not found');
  if (method === "GET") return { status: 200, json: stored };
  if (method !== "PATCH" || headers["content-type"] !== "application/merge-patch+json") {
    return status(415, "UnsupportedMediaType", "unexpected");
  }
  if (textAt(objectAt(body, "metadata"), "resourceVersion") !== `${version}`) {
    return status(409, "Conflict", "the object has been modified");
  }
  stored = merge(stored, body);
  touch();
  return { status: 200, json: stored };
}

function touch(): void {
  version += 1;
  stored = merge(stored, { metadata: { resourceVersion: `${version}`, uid: "u-1" } });
}

function merge(target: unknown, patch: unknown): Record<string, unknown> {
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(isObject(patch) ? patch : {})) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? merge(merged[key], value) : value;
  }
  return merged;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

test("a Secret that is not there is undefined", async () => {
  expect(await store.read(signal)).toBeUndefined();
});

test("what was created reads back, and creating again changes nothing", async () => {
  const content = { data: new Map([["tls.crt", "c\u00e9rt\n"]]), annotations: new Map([["a", "1"]]) };
  expect(await store.create(content, signal)).toBe("created");
  expect(await store.create({ data: new Map([["tls.crt", "other"]]) }, signal)).toBe("exists");
  expect(await store.read(signal)).toEqual({
    data: new Map([["tls.crt", "c\u00e9rt\n"]]),
    resourceVersion: `${version}`,
    uid: "u-1",
    type: "Opaque",
    labels: new Map(),
    annotations: new Map([["a", "1"]]),
  });
});

test("a change keeps other people's keys, labels and annotations, and removes what it is told to", async () => {
  stored = {
    kind: "Secret",
    type: "Opaque",
    metadata: {
      labels: { theirs: "x" },
      annotations: { theirs: "y", old: "z" },
      ownerReferences: [{ name: "o" }],
    },
    data: { theirs: base64("t"), "tls.crt": base64("1"), gone: base64("2") },
    unknownField: { kept: true },
  };
  touch();
  const snapshot = await store.read(signal);
  if (snapshot === undefined) throw new Error("no Secret");
  const change = {
    data: new Map([
      ["tls.crt", "new"],
      ["gone", undefined],
    ]),
    annotations: new Map([
      ["ours", "managed"],
      ["old", undefined],
    ]),
  };
  expect(await store.replace(snapshot, change, signal)).toBe("replaced");
  expect(stored).toEqual({
    kind: "Secret",
    type: "Opaque",
    metadata: {
      labels: { theirs: "x" },
      annotations: { theirs: "y", ours: "managed" },
      ownerReferences: [{ name: "o" }],
      resourceVersion: `${version}`,
      uid: "u-1",
    },
    data: { theirs: base64("t"), "tls.crt": base64("new") },
    unknownField: { kept: true },
  });
});

test("a change of a Secret that someone else changed since, or that is gone, changes nothing", async () => {
  await store.create({ data: new Map([["k", "1"]]) }, signal);
  const snapshot = await store.read(signal);
  if (snapshot === undefined) throw new Error("no Secret");
  expect(await store.replace(snapshot, { data: new Map([["k", "2"]]) }, signal)).toBe("replaced");
  expect(await store.replace(snapshot, { data: new Map([["k", "3"]]) }, signal)).toBe("conflict");
  expect((await store.read(signal))?.data.get("k")).toBe("2");
  stored = undefined;
  expect(await store.replace(snapshot, { data: new Map() }, signal)).toBe("gone");
});

test.each<[string, ApiAnswer, string]>([
  ["forbidden", status(403, "Forbidden", "no"), "forbidden"],
  [
    "another object",
    { status: 200, json: { kind: "ConfigMap", metadata: { uid: "1", resourceVersion: "1" } } },
    "garbage",
  ],
  ["a list", { status: 200, json: [] }, "garbage"],
  ["null", { status: 200, json: null }, "garbage"],
])("reading that is answered with %s throws, saying what was read", async (_name, given, kind) => {
  server.answer = () => given;
  const thrown: unknown = await store.read(signal).catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe(kind);
  expect(String(thrown)).toMatch(/^KubeError: read Secret ns\/tls: /);
});

test("values of the wrong type are left out, not believed", async () => {
  stored = { kind: "Secret", metadata: { labels: { a: 1 } }, data: { n: 1, o: {}, t: base64("t") } };
  touch();
  const snapshot = await store.read(signal);
  expect(snapshot?.data).toEqual(new Map([["t", "t"]]));
  expect(snapshot?.labels).toEqual(new Map());
});

test("names go into the path encoded", async () => {
  await makeSecretStore(kube, { namespace: "ns", name: "../nodes" }).read(signal);
  expect(server.requests.map(({ path }) => path)).toEqual([`${PATH}/..%2Fnodes`]);
});
