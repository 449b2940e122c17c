/** One request of the comparison with a real kube-apiserver, and what came of it. */
import type { Json, JsonObject } from "../objects/json.ts";

export type StepUser = "admin" | "bob" | "nobody";

export interface Step {
  /** A sentence; also the key of the recording. */
  readonly title: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Defaults to admin, who is in system:masters. bob is in `dev`, nobody has no credentials. */
  readonly user?: StepUser;
  /** Text is sent as it is. A function may look at objects first, e.g. for a resourceVersion. */
  readonly body?: Json | ((current: Current) => Promise<Json>);
  /** Defaults to application/json. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A webhook configuration changes: a real server needs up to 2 s to act on it. */
  readonly settles?: true;
  /** Only code, reason and warnings are compared; says why the words are not. */
  readonly loose?: string;
}

/** GET of an object as it is now, as admin. */
export type Current = (path: string) => Promise<JsonObject>;

export interface Outcome {
  readonly title: string;
  readonly code: number;
  readonly warnings: readonly string[];
  readonly body: Json;
  /** What the webhooks were asked meanwhile, in order. */
  readonly reviews: readonly Json[];
}

export const MERGE = "application/merge-patch+json";
export const STRATEGIC = "application/strategic-merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";
export const APPLY = "application/apply-patch+yaml";

export function get(title: string, path: string, more: Partial<Step> = {}): Step {
  return { title, method: "GET", path, ...more };
}

export function post(title: string, path: string, body: Step["body"] & {}, more: Partial<Step> = {}): Step {
  return { title, method: "POST", path, body, ...more };
}

export function put(title: string, path: string, body: Step["body"] & {}, more: Partial<Step> = {}): Step {
  return { title, method: "PUT", path, body, ...more };
}

export function patch(
  title: string,
  path: string,
  contentType: string,
  body: Json,
  more: Partial<Step> = {},
): Step {
  return { title, method: "PATCH", path, contentType, body, ...more };
}

export function remove(title: string, path: string, body?: Json, more: Partial<Step> = {}): Step {
  return { title, method: "DELETE", path, ...(body === undefined ? {} : { body }), ...more };
}
