/** What people read: one sentence for a refusal, short ones for warnings. Words only; decide.ts decides. */
import type { LockedChange } from "./change.ts";
import type { AllowReason, RefuseReason } from "./decide.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "./node.ts";
import { parseTime, type Asker, type LockRecord } from "./record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "./requested-uncordon.ts";
import { oneLine } from "./request.ts";
import { shorten } from "./shorten.ts";

/** Longest warning that every client shows whole (k8s.io/api/admission/v1 types.go asks for 120). */
export const LONGEST_WARNING = 120;

const DAY_MILLIS = 86_400_000;

interface Refused {
  readonly why: RefuseReason;
  readonly detail?: string;
}

/** One sentence: who holds the lock, why, since when, until when, and what to do. */
export function refusalMessage(
  change: LockedChange,
  refused: Refused,
  asker: Asker,
  nowMillis: number,
): string {
  const node = change.before.name;
  const head =
    change.lock.kind === "record"
      ? held(node, change.lock.record, nowMillis)
      : heldByNoOne(node, change.lock.text);
  return `${head}; ${remedy(change, refused, asker)}`;
}

function held(node: string, record: LockRecord, nowMillis: number): string {
  const reason = record.reason === "" ? "no reason given" : shorten(oneLine(record.reason), 160);
  const on = record.holderNode === undefined ? "" : ` on node ${oneLine(record.holderNode)}`;
  const until = record.expiresAt === undefined ? "" : ` until ${clock(record.expiresAt, nowMillis)}`;
  return (
    `node ${node} is locked for reboot by ${oneLine(record.holder)}${on} (${reason}) ` +
    `since ${clock(record.acquiredAt, nowMillis)}${until}`
  );
}

function heldByNoOne(node: string, text: string): string {
  const value = text === "" ? "an empty value" : `the value "${shorten(oneLine(text), 80)}"`;
  return `node ${node} is locked for reboot by an unknown holder (annotation ${LOCK_ANNOTATION} has ${value})`;
}

function remedy(change: LockedChange, refused: Refused, asker: Asker): string {
  const node = change.before.name;
  const breakIt = `kubectl annotate node ${node} ${OVERRIDE_ANNOTATION}="<reason>"`;
  const first = change.kind === "delete" ? "before deleting the node, break the lock" : "to break it";
  switch (refused.why) {
    case "not-holder":
    case "unknown-holder":
      return `${first}: ${breakIt}`;
    case "holder-on-other-node":
      return `${asker.node === undefined ? "this request carries no node name" : `this request comes from node ${asker.node}`}; ${first}: ${breakIt}`;
    case "lock-would-stay":
      return `as the holder, remove the lock first: kubectl annotate node ${node} ${LOCK_ANNOTATION}-`;
    case "not-rebooted":
      return "the node's boot ID is still the one at acquisition, so the reboot is not proven";
    case "release-not-by-agent":
      return 'the agent releases only locks with release "reboot"';
    case "agent-only-releases":
      return "the agent may only remove the lock, and the cordon that came with it";
    case "not-stamped":
      return "the new value was not stamped by the latch webhook; send the request again";
    case "request-forged":
      return `annotation ${UNCORDON_REQUESTED_ANNOTATION} is written by Nodelatch alone`;
    case "override-without-reason":
      return `an override needs a reason: ${breakIt}`;
    case "override-denied":
      return (
        `${oneLine(asker.username)} may not break it: verb override on rebootlocks.nodelatch.io "${node}" is not granted` +
        (refused.detail === undefined || refused.detail === ""
          ? ""
          : ` (${shorten(oneLine(refused.detail), 160)})`)
      );
    case "override-unanswered":
      return `the override can't be checked, as the API server did not answer (${shorten(oneLine(refused.detail ?? ""), 160)}); try again`;
    case "override-needs-latch":
      return (
        "the latch webhook did not answer, so remove the lock in the same request: " +
        `kubectl annotate node ${node} ${LOCK_ANNOTATION}- ${OVERRIDE_ANNOTATION}="<reason>"`
      );
  }
}

/** The warning that goes with an allowed request, or undefined where there is nothing to say. */
export function allowWarning(
  change: LockedChange,
  allowed: { readonly why: AllowReason; readonly insteadOf?: RefuseReason },
): string | undefined {
  const node = change.before.name;
  const holder = change.lock.kind === "record" ? change.lock.record.holder : "an unknown holder";
  switch (allowed.why) {
    case "expired":
      return fit(`nodelatch: the reboot lock on ${node} had expired; it was held by ${holder}`);
    case "overridden":
      return fit(`nodelatch: the reboot lock on ${node} was broken; it was held by ${holder}`);
    case "mode-warn":
      return fit(
        `nodelatch: would be refused in mode enforce (${allowed.insteadOf}); ${node} is locked by ${holder}`,
      );
    case "by-holder":
      return allowed.insteadOf === undefined
        ? undefined
        : fit(
            `nodelatch: the latch did not answer, so the lock is still there: annotate ${LOCK_ANNOTATION}-`,
          );
    case "not-relevant":
    case "acquire":
    case "by-agent":
    case "exempt-deleter":
    case "request-kept":
    case "mode-off":
      return undefined;
  }
}

/** What became of a kept uncordon when the lock went. */
export type Aftermath = "carried-out" | "denied" | "unanswered" | "left";

/** The warning for whoever ends the lock. @param by whose uncordon it was; undefined where that can't be read */
export function aftermathWarning(node: string, by: string | undefined, aftermath: Aftermath): string {
  const sender = by ?? "somebody";
  switch (aftermath) {
    case "carried-out":
      return fit(
        `nodelatch: ${node} is uncordoned with this, as ${sender} was refused it while it was locked`,
      );
    case "denied":
      return fit(
        `nodelatch: ${node} stays cordoned: ${sender}, who was refused an uncordon, may not write it now`,
      );
    case "unanswered":
      return fit(
        `nodelatch: ${node} stays cordoned: can't tell whether ${sender}, refused before, may uncordon it`,
      );
    case "left":
      return fit(
        `nodelatch: ${node} stays cordoned although ${sender} was refused an uncordon while it was locked`,
      );
  }
}

function fit(text: string): string {
  return shorten(oneLine(text), LONGEST_WARNING);
}

/** `09:14Z` within the same UTC day as now, else `2026-11-20 09:14Z`. */
function clock(time: string, nowMillis: number): string {
  const millis = parseTime(time);
  if (millis === undefined) return oneLine(time);
  if (Math.floor(millis / DAY_MILLIS) === Math.floor(nowMillis / DAY_MILLIS)) {
    const minutes = Math.floor((millis % DAY_MILLIS) / 60_000);
    return `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}Z`;
  }
  const iso = new Date(millis).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}Z`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
