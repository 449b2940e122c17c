/** A webhook that keeps what it is asked and answers as the last part of its URL says. */
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { issueAuthority } from "../../../certs/authority.ts";
import { issueLeaf } from "../../../certs/leaf.ts";
import { objectAt, parseJson, textAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";

export interface RecordingWebhook {
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  /** Requests of the reviews since the last call. */
  taken(): Json[];
  /** Open connections ever accepted. */
  connections(): number;
  close(): Promise<void>;
}

const LIFE_MILLIS = 3_600_000;
const SLOW_MILLIS = 3_000;

/** `names` are the certificate's. */
export async function startRecordingWebhook(
  names: readonly string[] = ["127.0.0.1"],
): Promise<RecordingWebhook> {
  const authority = issueAuthority(Date.now(), LIFE_MILLIS);
  const leaf = issueLeaf(authority, names, Date.now(), LIFE_MILLIS);
  let reviews: Json[] = [];
  let connections = 0;
  /** Requests to /retry so far. */
  let retries = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const asked = objectAt(parseJson(Buffer.concat(chunks).toString()), "request");
    reviews.push(asked);
    const way = (request.url ?? "").split("?", 1).join("").slice(1);
    if (way === "slow") await sleep(SLOW_MILLIS, undefined, { ref: false });
    if (way === "hang-up") return void response.destroy();
    if (way === "http-500") return finish(response, 500, "out of order\n");
    if (way === "http-404") return finish(response, 404, "404 page not found\n");
    if (way === "http-413") return finish(response, 413, "");
    if (way === "not-json") return finish(response, 200, "hello");
    if (way === "busy") return finish(response, 503, "busy", { "retry-after": "1" });
    if (way === "retry") {
      retries += 1;
      if (retries % 3 !== 0) return finish(response, 503, "busy", { "retry-after": "0" });
    }
    const answer = answerFor(way, textAt(asked, "uid"));
    return finish(response, 200, JSON.stringify(answer), { "content-type": "application/json" });
  }

  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(new Error(String(error))));
  });
  server.keepAliveTimeout = 120_000;
  server.on("connection", () => {
    connections += 1;
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    caPem: authority.certPem,
    taken: () => {
      const taken = reviews;
      reviews = [];
      return taken;
    },
    connections: () => connections,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function finish(
  response: ServerResponse,
  code: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, headers).end(body);
}

function answerFor(way: string, uid: string): JsonObject {
  const frame = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
  const review = (response: JsonObject): JsonObject => ({ ...frame, response: { uid, ...response } });
  switch (way) {
    case "deny":
      return review({ allowed: false, status: { code: 403, reason: "Forbidden", message: "not today" } });
    case "deny-bare":
      return review({ allowed: false });
    case "deny-reason":
      return review({ allowed: false, status: { reason: "Forbidden", code: 200 } });
    case "warn":
      return review({
        allowed: true,
        warnings: ["mind the gap", 'say "hi"'],
        auditAnnotations: { note: "seen" },
      });
    case "deny-warn":
      return review({ allowed: false, warnings: ["told you"], status: { code: 422, message: "no" } });
    case "mutate":
      return review({
        allowed: true,
        ...patchOf([{ op: "add", path: "/metadata/annotations/test.example.com~1mutated", value: "yes" }]),
      });
    case "mutate-zero":
      return review({
        allowed: true,
        ...patchOf([{ op: "add", path: "/spec/unschedulable", value: false }]),
      });
    case "mutate-broken":
      return review({ allowed: true, ...patchOf([{ op: "remove", path: "/metadata/nowhere" }]) });
    case "patch-without-type":
      return review({ allowed: true, patch: patchOf([])["patch"] ?? "" });
    case "wrong-uid":
      return { ...frame, response: { uid: "another", allowed: true } };
    case "wrong-version":
      return { apiVersion: "admission.k8s.io/v2", kind: "AdmissionReview", response: { uid, allowed: true } };
    case "no-response":
      return frame;
    default:
      return review({ allowed: true });
  }
}

function patchOf(operations: Json): JsonObject {
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}
