/** How a runtime has answered so far, to tell a restart from a crash loop. Pure. */
import type { RuntimeFailureKind } from "../runtime/runtime.ts";
import type { Sign } from "./finding.ts";

export interface Contact {
  readonly hasAnswered: boolean;
  /** Refused or silent in a row up to now. */
  readonly failures: number;
  /** Of the first of them. */
  readonly downSinceMillis: number;
  /** The last times at which it went away after it had answered, oldest first. */
  readonly lostAtMillis: readonly number[];
  readonly lastMessage: string;
}

export const FIRST_CONTACT: Contact = {
  hasAnswered: false,
  failures: 0,
  downSinceMillis: 0,
  lostAtMillis: [],
  lastMessage: "",
};

export type Answer =
  | { readonly ok: true }
  | { readonly ok: false; readonly failure: RuntimeFailureKind; readonly message: string };

/** A restart takes a second, k3s a minute. */
const DOWN_AFTER_MILLIS = 60_000;
const LOSSES = 3;
const LOSSES_WITHIN_MILLIS = 600_000;

export function nextContact(before: Contact, answer: Answer, nowMillis: number): Contact {
  // An answer that makes no sense still comes from something that lives.
  if (answer.ok || (answer.failure !== "unavailable" && answer.failure !== "deadline")) {
    return { ...before, hasAnswered: true, failures: 0 };
  }
  const first = before.failures === 0;
  return {
    hasAnswered: before.hasAnswered,
    failures: before.failures + 1,
    downSinceMillis: first ? nowMillis : before.downSinceMillis,
    lostAtMillis:
      first && before.hasAnswered ? [...before.lostAtMillis, nowMillis].slice(-LOSSES) : before.lostAtMillis,
    lastMessage: answer.message,
  };
}

export function contactSign(subject: string, contact: Contact, nowMillis: number): Sign {
  const kind = "runtime-down";
  const downMillis = contact.failures === 0 ? 0 : nowMillis - contact.downSinceMillis;
  const isDown = contact.failures >= 2 && downMillis >= DOWN_AFTER_MILLIS;
  const recentLosses = contact.lostAtMillis.filter((at) => nowMillis - at <= LOSSES_WITHIN_MILLIS).length;
  if (!isDown && recentLosses < LOSSES) return { kind, subject, finding: undefined };
  const what = isDown
    ? `has not answered for ${Math.round(downMillis / 1_000)} s (${contact.failures} tries)${
        contact.hasAnswered ? "" : ", nor ever since this agent started"
      }`
    : `went away ${recentLosses} times within ${LOSSES_WITHIN_MILLIS / 60_000} minutes`;
  return {
    kind,
    subject,
    finding: {
      kind,
      subject,
      seen: contact.lastMessage === "" ? what : `${what}: ${contact.lastMessage}`,
      // Two containers of one name in containerd's store end it at each start (containerd#7247).
      remedy:
        'read its log (journalctl -u containerd); if it ends with "failed to recover state: failed to reserve ' +
        'container name", start it with the CRI plugin disabled, remove the older of the two containers named there ' +
        "(ctr -n k8s.io containers rm ID), and start it as before",
    },
  };
}
