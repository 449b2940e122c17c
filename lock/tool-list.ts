/**
 * The list of reboot tools as a setting gives it: JSON, as Helm writes it. Total over any text; names everything that is
 * wrong at once. What it takes is what charts/nodelatch/values.schema.json takes, with presets filled in.
 */
import { formatDuration, parseDuration } from "./duration.ts";
import type { LockOn, ReleaseOn, Tool } from "./tool.ts";

export type ToolListRead =
  | { readonly ok: true; readonly tools: readonly Tool[] }
  /** Separated by "; ", each with its place in the list. */
  | { readonly ok: false; readonly problem: string };

const FIELDS = ["name", "username", "lockOn", "releaseOn", "perNode", "ttl"];
const NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** User names and annotations go into CEL as text in quotes (charts/nodelatch/registrations). */
const USERNAME = /^[^\s,'"\\]{1,253}$/;
const KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

export function parseToolList(text: string): ToolListRead {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { ok: false, problem: "expected a JSON list of tools" };
  }
  if (!Array.isArray(parsed)) return { ok: false, problem: "expected a JSON list of tools" };
  const problems: string[] = [];
  const tools = parsed.map((entry: unknown, index) => readTool(entry, `[${index}]`, problems));
  for (const field of ["name", "username"] as const) {
    const seen = tools.map((tool) => tool[field]);
    const twice = seen.find((value, index) => value !== "" && seen.indexOf(value) !== index);
    if (twice !== undefined)
      problems.push(`${field} ${JSON.stringify(twice)} is given twice, expected it once`);
  }
  return problems.length === 0 ? { ok: true, tools } : { ok: false, problem: problems.join("; ") };
}

function readTool(entry: unknown, where: string, problems: string[]): Tool {
  const fields = fieldsOf(entry);
  if (fields === undefined) problems.push(`${where}: expected an object with ${FIELDS.join(", ")}`);
  for (const key of fields?.keys() ?? []) {
    if (!FIELDS.includes(key)) problems.push(`${where}.${key}: no such field; known: ${FIELDS.join(", ")}`);
  }
  const matching = (field: string, wanted: RegExp, words: string): string => {
    const value = fields?.get(field);
    if (typeof value === "string" && wanted.test(value)) return value;
    if (fields !== undefined) problems.push(`${where}.${field}: expected ${words}`);
    return "";
  };
  const perNode = fields?.get("perNode");
  if (fields !== undefined && typeof perNode !== "boolean")
    problems.push(`${where}.perNode: expected true or false`);
  return {
    name: matching("name", NAME, "a-z, 0-9 and '-', at most 63 characters"),
    username: matching("username", USERNAME, "a user name, e.g. system:serviceaccount:kube-system:kured"),
    lockOn:
      readLockOn(fields?.get("lockOn")) ??
      bad({ kind: "cordon" }, "lockOn", '"cordon" or {"annotationAdded": KEY}'),
    releaseOn:
      readReleaseOn(fields?.get("releaseOn")) ??
      bad({ kind: "uncordon" }, "releaseOn", '"uncordon", "reboot" or {"annotationRemoved": KEY}'),
    ttlMillis: readTtl(fields?.get("ttl")),
    perNode: perNode === true,
  };

  function bad<T>(fallback: T, field: string, words: string): T {
    if (fields !== undefined) problems.push(`${where}.${field}: expected ${words}`);
    return fallback;
  }

  function readTtl(value: unknown): number | undefined {
    if (value === undefined || value === null) return undefined;
    const read = parseDuration(typeof value === "string" ? value : "");
    if (read.ok) return read.millis;
    problems.push(`${where}.ttl: ${read.problem}`);
    return undefined;
  }
}

function readLockOn(value: unknown): LockOn | undefined {
  if (value === "cordon") return { kind: "cordon" };
  const key = keyIn(value, "annotationAdded");
  return key === undefined ? undefined : { kind: "annotation-added", key };
}

function readReleaseOn(value: unknown): ReleaseOn | undefined {
  if (value === "uncordon" || value === "reboot") return { kind: value };
  const key = keyIn(value, "annotationRemoved");
  return key === undefined ? undefined : { kind: "annotation-removed", key };
}

/** The annotation in an object that has this field alone. */
function keyIn(value: unknown, field: string): string | undefined {
  const fields = fieldsOf(value);
  const key = fields?.get(field);
  return fields?.size === 1 && typeof key === "string" && KEY.test(key) ? key : undefined;
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}

/** The same list as text that parseToolList reads; in the order of fields that Helm writes. */
export function writeToolList(tools: readonly Tool[]): string {
  return JSON.stringify(
    tools.map(({ name, username, lockOn, releaseOn, ttlMillis, perNode }) => ({
      lockOn: lockOn.kind === "cordon" ? "cordon" : { annotationAdded: lockOn.key },
      name,
      perNode,
      releaseOn:
        releaseOn.kind === "annotation-removed" ? { annotationRemoved: releaseOn.key } : releaseOn.kind,
      ...(ttlMillis === undefined ? {} : { ttl: formatDuration(ttlMillis) }),
      username,
    })),
  );
}
