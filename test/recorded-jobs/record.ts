/**
 * Sends the steps to a real kube-apiserver and writes recording.jsonl: the reviews that a webhook gets, as text.
 *
 *   node test/recorded-jobs/record.ts --server=URL --ca=FILE --admin-token=T --controller-token=T
 *
 * The server must be a new one that reaches this machine's 127.0.0.1, with both tokens in its --token-auth-file: admin,
 * and system:serviceaccount:kubeedge:controller-manager, each with the group system:masters.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { issueAuthority } from "../../certs/authority.ts";
import { issueLeaf } from "../../certs/leaf.ts";
import { objectAt, textAt } from "../../kube/json.ts";
import { STEPS, type Step } from "./steps.ts";

const OPTION = { type: "string" } as const;
/** A real server acts on a changed configuration or CRD within 2 s. */
const SETTLE_MILLIS = 3_000;
const LIFE_MILLIS = 3_600_000;
const JOBS = "/imageprepulljobs";

const { values } = parseArgs({
  options: { server: OPTION, ca: OPTION, "admin-token": OPTION, "controller-token": OPTION },
});

function given(name: keyof typeof values): string {
  const value = values[name];
  if (value === undefined) throw new RangeError(`--${name}: expected a value`);
  return value;
}

const server = given("server");
const ca = readFileSync(given("ca"), "utf8");
const tokens = { admin: given("admin-token"), controller: given("controller-token") };

let reviews: string[] = [];
/** Calls to the second webhook, which has the match condition. */
let filtered = 0;
const authority = issueAuthority(Date.now(), LIFE_MILLIS);
const leaf = issueLeaf(authority, ["127.0.0.1"], Date.now(), LIFE_MILLIS);
/** Allows everything: what the rules would refuse has to be stored too. */
async function review(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url?.startsWith("/filtered") === true) filtered += 1;
  else reviews.push(body);
  const uid = textAt(objectAt(JSON.parse(body), "request"), "uid");
  const answer = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid, allowed: true },
  };
  response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
}

const webhook = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
  review(request, response).catch((cause: unknown) => response.destroy(new Error(String(cause))));
});

async function send(method: string, path: string, token: string, body?: string, type = "application/json") {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": type }),
    };
    const request = httpsRequest(new URL(path, server), { method, ca, headers }, resolve);
    request.on("error", reject);
    request.end(body);
  });
  return { status: response.statusCode ?? 0, text: await text(response) };
}

async function must(method: string, path: string, object: unknown): Promise<void> {
  const answer = await send(method, path, tokens.admin, JSON.stringify(object));
  if (answer.status !== 201) throw new Error(`${method} ${path}: HTTP ${answer.status}: ${answer.text}`);
}

function typeOf(step: Step): string {
  if (step.apply === true) return "application/apply-patch+yaml";
  return step.method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
const address = webhook.address();
const port = typeof address === "object" ? address?.port : undefined;
const crd: unknown = parse(readFileSync(new URL("crd.yaml", import.meta.url), "utf8"));
await must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
const hook = (name: string, path: string) => ({
  name,
  clientConfig: {
    url: `https://127.0.0.1:${port ?? 0}${path}`,
    caBundle: Buffer.from(authority.certPem).toString("base64"),
  },
  rules: [
    {
      operations: ["CREATE", "UPDATE", "DELETE"],
      apiGroups: ["operations.kubeedge.io"],
      apiVersions: ["v1alpha1", "v1alpha2"],
      resources: ["imageprepulljobs", "imageprepulljobs/status"],
    },
  ],
  failurePolicy: "Fail",
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
});
const expression = readFileSync(new URL("can-harm.cel", import.meta.url), "utf8");
await must("POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "recorder" },
  webhooks: [
    hook("prepull.nodelatch.io", "/all"),
    { ...hook("filtered.nodelatch.io", "/filtered"), matchConditions: [{ name: "can-harm", expression }] },
  ],
});
await sleep(SETTLE_MILLIS);
const lines: string[] = [];
for (const step of STEPS) {
  reviews = [];
  filtered = 0;
  const path = `/apis/operations.kubeedge.io/${step.version}${JOBS}${step.path}`;
  const answer = await send(step.method, path, tokens[step.as], step.body, typeOf(step));
  const { status } = answer;
  lines.push(JSON.stringify({ name: step.name, status, asked: filtered > 0, review: reviews[0] ?? null }));
}
webhook.close();
writeFileSync(new URL("recording.jsonl", import.meta.url), `${lines.join("\n")}\n`);
process.stdout.write(`${lines.length} steps recorded\n`);
