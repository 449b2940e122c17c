/** From reports of passes and from disks to what a person should know. Nothing here acts. */
import { contactSign, FIRST_CONTACT, nextContact, type Contact } from "./contact.ts";
import { clockSign } from "./clock-sign.ts";
import { diskSign, messageSigns, type Disk } from "./disk-sign.ts";
import { Standing, type Finding, type Sign, type StandingFinding } from "./finding.ts";
import { inFlightSign, nextWatched, type Watched } from "./in-flight.ts";
import type { PassReport, RuntimeReport } from "./report.ts";

/** What is remembered of each runtime between passes. */
export interface Memory {
  readonly contact: Contact;
  readonly watched: Watched;
}

const NO_MEMORY: Memory = { contact: FIRST_CONTACT, watched: new Map() };

/** The signs of one runtime, and what to remember. Pure. */
export function diagnoseRuntime(
  runtime: RuntimeReport,
  before: Memory,
  nowMillis: number,
): { readonly signs: readonly Sign[]; readonly memory: Memory } {
  const { key } = runtime;
  const answer =
    runtime.kind === "read"
      ? { ok: true as const }
      : { ok: false as const, failure: runtime.failure, message: runtime.message };
  const contact = nextContact(before.contact, answer, nowMillis);
  const signs: Sign[] = [contactSign(key, contact, nowMillis)];
  if (runtime.kind === "unread") {
    // A runtime that can't be read may still say why; that it says nothing proves no disk well.
    signs.push(...messageSigns(key, [runtime.message]).filter(({ finding }) => finding !== undefined));
    return { signs, memory: { ...before, contact } };
  }
  const failures = runtime.removals.filter(({ outcome }) => outcome === "failed");
  signs.push(
    clockSign(key, runtime.future),
    ...messageSigns(
      key,
      failures.map(({ result }) => result),
    ),
  );
  if (runtime.unlisted === undefined) return { signs, memory: { ...before, contact } };
  const watched = nextWatched(before.watched, runtime.unlisted, nowMillis);
  signs.push(inFlightSign(key, watched, nowMillis));
  return { signs, memory: { contact, watched } };
}

export interface Diagnosed {
  /** To be said once, as a warning Event and in the log. */
  readonly begun: readonly Finding[];
  readonly ended: readonly Finding[];
}

/** Findings over time. */
export class Diagnoses {
  readonly #standing = new Standing();
  #memories: ReadonlyMap<string, Memory> = new Map();

  /** After each pass. `nowMillis` is monotonic. Disks that could not be asked are left out. */
  update(report: PassReport, disks: readonly Disk[], nowMillis: number): Diagnosed {
    // A pass that did not look is no news.
    if (report.mode === "off") return { begun: [], ended: [] };
    const memories = new Map<string, Memory>();
    const signs: Sign[] = disks.map(diskSign);
    for (const runtime of report.runtimes) {
      const before = this.#memories.get(runtime.key) ?? NO_MEMORY;
      const { signs: more, memory } = diagnoseRuntime(runtime, before, nowMillis);
      memories.set(runtime.key, memory);
      signs.push(...more);
    }
    this.#memories = memories;
    this.#standing.keepSubjects(signs.map(({ subject }) => subject));
    return this.#standing.update(signs, nowMillis);
  }

  standing(): readonly StandingFinding[] {
    return this.#standing.list();
  }
}
