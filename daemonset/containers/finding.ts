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

export interface Finding<Kind extends string = FindingKind> {
  readonly kind: Kind;
  /** A path: the runtime's key (its socket) or a disk's. */
  readonly subject: string;
  /** What was seen, one sentence without a full stop. */
  readonly seen: string;
  /** What a person should do, likewise. */
  readonly remedy: string;
}

/** A thing that was looked at. Without `finding` it is well; what could not be looked at gives no sign at all. */
export interface Sign<Kind extends string = FindingKind> {
  readonly kind: Kind;
  readonly subject: string;
  readonly finding: Finding<Kind> | undefined;
}

export function findingText(finding: Finding<string>): string {
  return `${finding.subject}: ${finding.seen}; ${finding.remedy}`;
}

export interface StandingFinding<Kind extends string = FindingKind> {
  readonly finding: Finding<Kind>;
  readonly sinceMillis: number;
}

/** Which findings stand, so that each is said when it begins and when it ends, however often it is seen. */
export class Standing<Kind extends string = FindingKind> {
  readonly #standing = new Map<string, StandingFinding<Kind>>();

  /** What is not among the signs stays as it was: not having looked ends nothing. */
  update(
    signs: readonly Sign<Kind>[],
    nowMillis: number,
  ): { readonly begun: readonly Finding<Kind>[]; readonly ended: readonly Finding<Kind>[] } {
    const begun: Finding<Kind>[] = [];
    const ended: Finding<Kind>[] = [];
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

  list(): readonly StandingFinding<Kind>[] {
    return [...this.#standing.values()];
  }
}
