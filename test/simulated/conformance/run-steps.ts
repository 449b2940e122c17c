/** Runs the steps against any API server and keeps what came of each. */
import { Agent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject, parseJson } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { normalize, normalizeText } from "./normalize.ts";
import type { RecordingWebhook } from "./recording-webhook.ts";
import type { Outcome, Step, StepUser } from "./step.ts";

export interface Target {
  readonly url: string;
  readonly caPem: string;
  /** Bearer tokens. */
  readonly tokens: Readonly<Record<Exclude<StepUser, "nobody">, string>>;
  /** How long a changed webhook configuration needs to be acted on. */
  readonly settleMillis: number;
}

const REQUEST_TIMEOUT_MILLIS = 15_000;

export async function runSteps(
  target: Target,
  webhook: RecordingWebhook,
  steps: readonly Step[],
): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true, ca: target.caPem });
  const outcomes: Outcome[] = [];
  try {
    for (const step of steps) {
      webhook.taken();
      const answer = await send(target, agent, step);
      outcomes.push({
        title: step.title,
        code: answer.code,
        warnings: answer.warnings.map(normalizeText),
        body: normalize(answer.body),
        reviews: webhook.taken().map((review) => normalize(review)),
      });
      if (step.settles) await sleep(target.settleMillis);
    }
  } finally {
    agent.destroy();
  }
  return outcomes;
}

interface Answer {
  readonly code: number;
  readonly warnings: readonly string[];
  readonly body: Json;
}

async function send(target: Target, agent: Agent, step: Step): Promise<Answer> {
  const current = async (path: string): Promise<JsonObject> => {
    const { body } = await send(target, agent, { title: "", method: "GET", path });
    return isObject(body) ? body : {};
  };
  const body = typeof step.body === "function" ? await step.body(current) : step.body;
  const { user = "admin" } = step;
  const payload = typeof body === "string" || body === undefined ? (body ?? "") : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      new URL(step.path, target.url),
      {
        agent,
        method: step.method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS),
        headers: {
          accept: "application/json",
          ...(user === "nobody" ? {} : { authorization: `Bearer ${target.tokens[user]}` }),
          ...(body === undefined ? {} : { "content-type": step.contentType ?? "application/json" }),
          // Node sends none with DELETE by itself, and without it the body would read as the next request.
          "content-length": Buffer.byteLength(payload),
          ...step.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode = 0, headersDistinct } = response;
          resolve({ code: statusCode, warnings: headersDistinct["warning"] ?? [], body: jsonOr(text) });
        });
      },
    );
    request.on("error", reject);
    request.end(payload);
  });
}

/** Not every error of a real server is JSON; the text itself is compared then. */
function jsonOr(text: string): Json {
  try {
    return parseJson(text);
  } catch {
    return text.trim();
  }
}
