/** The request that is measured: what `kubectl uncordon` sends after it has read the node. */
import type { Answer } from "../load/answer.ts";
import type { Requests } from "../load/closed-loop.ts";
import { nodeOf, type Answerer } from "./answerers.ts";

const PATCH = JSON.stringify({ spec: { unschedulable: null } });

/** Bytes of one PATCH, and the check that its answer came from the answerer. */
export function uncordonRequests(answerer: Answerer, options: { readonly dryRun: boolean }): Requests {
  // Nobody refuses the one of "nothing": dry, it leaves the node as it is, and writes as little as a refused one.
  const dry = options.dryRun || answerer.name === "nothing";
  const head = [
    `PATCH /api/v1/nodes/${nodeOf(answerer.name)}?fieldManager=kubectl-patch${dry ? "&dryRun=All" : ""} HTTP/1.1`,
    "Host: 127.0.0.1",
    "User-Agent: nodelatch-bench",
    "Accept: application/json",
    "Content-Type: application/strategic-merge-patch+json",
    `Content-Length: ${PATCH.length}`,
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${PATCH}`);
  return { next: () => bytes, check: (answer) => checkAnswer(answerer, answer) };
}

/** @throws Error quoting the answer, if it is not the one that this answerer gives. */
export function checkAnswer(answerer: Answerer, { status, body }: Answer): void {
  const isOurs = status === answerer.status && body.includes(answerer.says);
  const stillCordoned = status === 200 && body.includes('"unschedulable"');
  if (isOurs && !stillCordoned) return;
  const expected = `${answerer.name}: expected ${answerer.status} with ${answerer.says}`;
  throw new Error(`${expected}, got ${status}: ${body.toString("utf8", 0, 600)}`);
}
