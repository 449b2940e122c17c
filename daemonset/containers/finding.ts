/** What is wrong on the node that removing containers can't mend: said once, with what a person should do. */

export const FINDING_KINDS = [
  /** A create hangs in the runtime: its name is taken by a container that is in no list. */
  "create-in-flight",
  /** The runtime's socket is refused or silent, again and again. */
  "runtime-down",
  /** Containers are dated later than now. */
  "clock-in-future",
  "disk-full",
  "disk-read-only",
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** A path: the runtime's key (its socket) or a disk's. */
  readonly subject: string;
  /** What was seen, one sentence without a full stop. */
  readonly seen: string;
  /** What a person should do, likewise. */
  readonly remedy: string;
}

/** A thing that was looked at. Without `finding` it is well; what could not be looked at gives no sign at all. */
export interface Sign {
  readonly kind: FindingKind;
  readonly subject: string;
  readonly finding: Finding | undefined;
}

export function findingText(finding: Finding): string {
  return `${finding.subject}: ${finding.seen}; ${finding.remedy}`;
}

export interface StandingFinding {
  readonly finding: Finding;
  readonly sinceMillis: number;
}

/** Which findings stand, so that each is said when it begins and when it ends, however often it is seen. */
export class Standing {
  readonly #standing = new Map<string, StandingFinding>();

  /** What is not among the signs stays as it was: not having looked ends nothing. */
  update(
    signs: readonly Sign[],
    nowMillis: number,
  ): { readonly begun: readonly Finding[]; readonly ended: readonly Finding[] } {
    const begun: Finding[] = [];
    const ended: Finding[] = [];
    for (const { kind, subject, finding } of signs) {
      const key = `${kind} ${subject}`;
      const before = this.#standing.get(key);
      if (finding !== undefined) {
        if (before === undefined) begun.push(finding);
        // The latest figures, for /readyz and the report.
        this.#standing.set(key, { finding, sinceMillis: before?.sinceMillis ?? nowMillis });
      } else if (before !== undefined) {
        this.#standing.delete(key);
        ended.push(before.finding);
      }
    }
    return { begun, ended };
  }

  /** Forgets subjects that are no longer looked at, without a word. */
  keepSubjects(subjects: readonly string[]): void {
    for (const [key, { finding }] of this.#standing) {
      if (!subjects.includes(finding.subject)) this.#standing.delete(key);
    }
  }

  list(): readonly StandingFinding[] {
    return [...this.#standing.values()];
  }
}
