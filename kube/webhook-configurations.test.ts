import { afterAll, beforeEach, expect, test } from "vitest";
import { failureOf } from "./failure.ts";
import { ApiServer, status, type ApiAnswer, type ApiRequest } from "./testing/api-server.ts";
import { makeWebhookConfiguration } from "./webhook-configurations.ts";

const signal = new AbortController().signal;
const server = await new ApiServer(answer).listen();
const kube = await server.connect();
const configuration = makeWebhookConfiguration(kube, "ValidatingWebhookConfiguration", "nodelatch");
let version: string | undefined;

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.answer = answer;
  server.requests.length = 0;
  version = "7";
});

function answer({ method, body }: ApiRequest): ApiAnswer {
  if (version === undefined) return status(404, "NotFound", "not found");
  if (method === "GET") {
    return {
      status: 200,
      json: {
        kind: "ValidatingWebhookConfiguration",
        metadata: { resourceVersion: version, annotations: { a: "1" } },
        webhooks: [
          { name: "guard.nodelatch.io", clientConfig: { caBundle: Buffer.from("PEM").toString("base64") } },
          { name: "prepull.nodelatch.io", clientConfig: { service: { name: "s" } }, aFieldOfTheFuture: 1 },
        ],
      },
    };
  }
  const [test] = Array.isArray(body) ? body.map((operation: unknown) => operation) : [];
  const matches =
    JSON.stringify(test) ===
    JSON.stringify({ op: "test", path: "/metadata/resourceVersion", value: version });
  if (!matches) return status(422, "", "the server rejected our request due to an error in our request");
  return { status: 200, json: {} };
}

async function readIt(): Promise<Parameters<typeof configuration.setCaBundles>[0]> {
  const snapshot = await configuration.read(signal);
  if (snapshot === undefined) throw new Error("no configuration");
  return snapshot;
}

test("a configuration is read down to names and decoded caBundles", async () => {
  expect(await configuration.read(signal)).toEqual({
    resourceVersion: "7",
    annotations: new Map([["a", "1"]]),
    entries: [
      { name: "guard.nodelatch.io", caBundle: "PEM" },
      { name: "prepull.nodelatch.io", caBundle: "" },
    ],
  });
});

test("a configuration that is not there is undefined", async () => {
  version = undefined;
  expect(await configuration.read(signal)).toBeUndefined();
});

test("only the caBundles are written, on condition that nothing changed", async () => {
  expect(await configuration.setCaBundles(await readIt(), "NEW", signal)).toBe("set");
  const value = Buffer.from("NEW").toString("base64");
  expect(server.requests.at(-1)).toMatchObject({
    method: "PATCH",
    path: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodelatch",
    body: [
      { op: "test", path: "/metadata/resourceVersion", value: "7" },
      { op: "add", path: "/webhooks/0/clientConfig/caBundle", value },
      { op: "add", path: "/webhooks/1/clientConfig/caBundle", value },
    ],
  });
  expect(server.requests.at(-1)?.headers["content-type"]).toBe("application/json-patch+json");
});

test("a configuration that changed in between is a conflict, one that went is absent", async () => {
  const snapshot = await readIt();
  version = "8";
  expect(await configuration.setCaBundles(snapshot, "NEW", signal)).toBe("conflict");
  version = undefined;
  expect(await configuration.setCaBundles(snapshot, "NEW", signal)).toBe("absent");
});

test("a patch refused for another reason than the condition throws that reason", async () => {
  const snapshot = await readIt();
  server.answer = (request) =>
    request.method === "PATCH"
      ? status(422, "Invalid", "caBundle: unable to load root certificates")
      : answer(request);
  const thrown: unknown = await configuration
    .setCaBundles(snapshot, "x", signal)
    .catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe("rejected");
  expect(failureOf(thrown).sentence).toContain("root certificates");
});

test("the mutating kind has its own path, and another kind in the answer is garbage", async () => {
  const mutating = makeWebhookConfiguration(kube, "MutatingWebhookConfiguration", "nodelatch");
  const thrown: unknown = await mutating.read(signal).catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe("garbage");
  expect(server.requests[0]?.path).toBe(
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/nodelatch",
  );
});
