/** HTTPS requests for tests, by node:https, so that connections are what the test says they are. */
import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingHttpHeaders } from "node:http";

export interface Called {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The connection had carried a request before. */
  readonly reused: boolean;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent | false;
}

/** Posts a review, unless told otherwise. Rejects on any network error. */
export function call(
  port: number,
  path: string,
  body: string | Uint8Array,
  options: CallOptions = {},
): Promise<Called> {
  return new Promise((resolve, reject) => {
    const settings: RequestOptions = {
      host: "127.0.0.1",
      port,
      path,
      method: options.method ?? "POST",
      agent: options.agent ?? false,
      rejectUnauthorized: false,
      headers: {
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(body)),
        ...options.headers,
      },
    };
    const sent = request(settings, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          reused: sent.reusedSocket,
        });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** One connection that is kept. */
export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
}

/** What matters in the answer to a review. */
export interface Answer {
  readonly uid: unknown;
  readonly allowed: unknown;
  readonly code: unknown;
  readonly reason: unknown;
  readonly message: string;
  readonly response: Record<string, unknown>;
  readonly apiVersion: unknown;
}

/** @throws TypeError if `text` is not an AdmissionReview with a response. */
export function readAnswer(text: string): Answer {
  const review = asRecord(JSON.parse(text));
  if (review["kind"] !== "AdmissionReview") throw new TypeError(`not a review: ${text.slice(0, 200)}`);
  const response = asRecord(review["response"]);
  const status = asRecord(response["status"] ?? {});
  return {
    uid: response["uid"],
    allowed: response["allowed"],
    code: status["code"],
    reason: status["reason"],
    message: typeof status["message"] === "string" ? status["message"] : "",
    response,
    apiVersion: review["apiVersion"],
  };
}

function asRecord(value: unknown): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new TypeError(`expected an object, got ${JSON.stringify(value)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
