/**
 * What a person or a tool writes into the lock annotation: plain text (the reason) or JSON with `reason`, `ttl` or
 * `expiresAt`, and `release`. Holder, times of acquisition, UID and boot ID are the server's and are ignored here.
 */
import { formatDuration, parseDuration } from "./duration.ts";
import { LOCK_ANNOTATION } from "./node.ts";
import { parseTime, RELEASES, type Release } from "./record.ts";
import { shorten } from "./shorten.ts";

/** Bounds from the settings, in milliseconds. */
export interface LockLimits {
  /** For a lock that asks for no expiry; undefined = it never expires. */
  readonly defaultTtlMillis: number | undefined;
  readonly minTtlMillis: number;
  readonly maxTtlMillis: number;
}

export interface LockRequest {
  readonly reason: string;
  /** Epoch milliseconds; undefined = never. */
  readonly expiresAtMillis: number | undefined;
  readonly release: Release;
  /** For the person: what was ignored or shortened. Each fits a Kubernetes warning. */
  readonly notes: readonly string[];
}

export type ParsedLockRequest =
  { readonly ok: true; readonly request: LockRequest } | { readonly ok: false; readonly problem: string };

/** Longest reason that is kept; Kubernetes shares 256 KiB among all annotations of a node. */
export const LONGEST_REASON = 1_024;

const ASKED = ["reason", "ttl", "expiresAt", "release"];
const STAMPED = ["holder", "holderNode", "acquiredAt", "nodeUID", "bootID", "wasUnschedulable"];

/**
 * Total over any text. Only a bad `ttl`, `expiresAt` or `release` is a problem: each would change when the lock ends.
 * Everything else still locks, because a refused lock leaves a node unguarded.
 */
export function parseLockRequest(value: string, limits: LockLimits, nowMillis: number): ParsedLockRequest {
  const json = asJsonObject(value);
  if (json === undefined) return finish(value, undefined, undefined, [], limits, nowMillis);
  const notes: string[] = [];
  const unknown = [...json.keys()].filter((key) => !ASKED.includes(key) && !STAMPED.includes(key));
  if (unknown.length > 0) {
    notes.push(`${LOCK_ANNOTATION}: ignored ${shown(unknown.join(", "), 40)}; known: ${ASKED.join(", ")}`);
  }
  const reason = json.get("reason") ?? "";
  const expiry = readExpiry(
    json.get("ttl") ?? undefined,
    json.get("expiresAt") ?? undefined,
    limits,
    nowMillis,
  );
  if (!expiry.ok) return expiry;
  const asked = json.get("release") ?? undefined;
  const release = RELEASES.find((known) => known === asked);
  if (asked !== undefined && release === undefined) {
    return bad("release", asked, `expected one of ${RELEASES.join(", ")}`);
  }
  const text = typeof reason === "string" ? reason : safeJson(reason);
  return finish(text, expiry.atMillis, release, notes, limits, nowMillis);
}

function finish(
  reason: string,
  atMillis: number | undefined,
  release: Release | undefined,
  notes: readonly string[],
  limits: LockLimits,
  nowMillis: number,
): ParsedLockRequest {
  const clean = oneLine(reason);
  const kept = shorten(clean, LONGEST_REASON);
  const byDefault = limits.defaultTtlMillis === undefined ? undefined : nowMillis + limits.defaultTtlMillis;
  return {
    ok: true,
    request: {
      reason: kept,
      expiresAtMillis: atMillis ?? byDefault,
      release: release ?? "explicit",
      notes:
        kept === clean
          ? notes
          : [...notes, `${LOCK_ANNOTATION}: reason shortened to ${LONGEST_REASON} characters`],
    },
  };
}

type Expiry =
  | { readonly ok: true; readonly atMillis: number | undefined }
  | { readonly ok: false; readonly problem: string };

function readExpiry(ttl: unknown, expiresAt: unknown, limits: LockLimits, nowMillis: number): Expiry {
  if (ttl !== undefined && expiresAt !== undefined) {
    return bad("ttl", ttl, `expiresAt=${safeJson(expiresAt)} is set too: keep one of them`);
  }
  if (ttl !== undefined) {
    const parsed = typeof ttl === "string" ? parseDuration(ttl) : parseDuration("");
    if (!parsed.ok) return bad("ttl", ttl, parsed.problem);
    return bounded("ttl", ttl, parsed.millis, limits, nowMillis);
  }
  if (expiresAt !== undefined) {
    const at = typeof expiresAt === "string" ? parseTime(expiresAt) : undefined;
    if (at === undefined) return bad("expiresAt", expiresAt, "expected a time such as 2026-11-21T15:04:05Z");
    return bounded("expiresAt", expiresAt, at - nowMillis, limits, nowMillis);
  }
  return { ok: true, atMillis: undefined };
}

function bounded(
  field: string,
  value: unknown,
  millis: number,
  limits: LockLimits,
  nowMillis: number,
): Expiry {
  if (millis < limits.minTtlMillis) {
    return bad(
      field,
      value,
      `the lock would end in less than ${formatDuration(limits.minTtlMillis)}, the minimum`,
    );
  }
  if (millis > limits.maxTtlMillis) {
    return bad(
      field,
      value,
      `the lock would last longer than ${formatDuration(limits.maxTtlMillis)}, the maximum`,
    );
  }
  return { ok: true, atMillis: nowMillis + millis };
}

function bad(field: string, value: unknown, what: string): { readonly ok: false; readonly problem: string } {
  return {
    ok: false,
    problem: `annotation ${LOCK_ANNOTATION}: ${field}=${shown(safeJson(value), 80)}: ${what}`,
  };
}

/** JSON objects only; broken JSON, arrays and scalars are plain text. Duplicate keys: the last wins, as in Go. */
function asJsonObject(value: string): ReadonlyMap<string, unknown> | undefined {
  if (!value.trimStart().startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    // A Map: a key named __proto__ is then a key like any other.
    return new Map<string, unknown>(Object.entries(parsed));
  } catch {
    return undefined;
  }
}

/** JSON.stringify that is total: it recurses, and a hostile value may be nested deeper than the stack. */
function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "(too deeply nested to show)";
  }
}

/** Control and line characters become spaces: the text ends up in logs, terminals and one-line messages. */
export function oneLine(text: string): string {
  // Nearly every text is printable ASCII: a look costs less than the walk by Unicode classes.
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

function shown(text: string, longest: number): string {
  return shorten(oneLine(text), longest);
}
