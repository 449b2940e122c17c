/** Worker thread entry: raw bodies in, reduced reviews out, one at a time (parse-pool.ts is the other end). */
import { parentPort, workerData } from "node:worker_threads";
import { isDeeperThan, MAX_JSON_DEPTH } from "./json-depth.ts";
import { parseReview, type ParsedReview } from "./parse-review.ts";
import { uidNear } from "./uid-near.ts";

const watched = watchedIn(workerData);

parentPort?.on("message", (body: unknown) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort takes no origin
  if (body instanceof Uint8Array) parentPort?.postMessage(parse(body));
});

function parse(body: Uint8Array): ParsedReview {
  if (!isDeeperThan(body, MAX_JSON_DEPTH)) return parseReview(body, watched);
  return {
    kind: "bad",
    code: 400,
    message: `admission review: body: expected JSON at most ${MAX_JSON_DEPTH} levels deep, got more`,
    uid: uidNear(body),
    apiVersion: "admission.k8s.io/v1",
  };
}

function watchedIn(data: unknown): ReadonlySet<string> {
  const listed = typeof data === "object" && data !== null && "watched" in data ? data.watched : [];
  return new Set((Array.isArray(listed) ? listed : []).filter((key) => typeof key === "string"));
}
