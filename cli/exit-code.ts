/** What `kubectl nodelatch` exits with; docs/cli.md shows this table. */
export const EXIT = {
  /** Done; the gate is open; every check of the doctor passes. */
  ok: 0,
  /** Refused or impossible: the gate is closed, the lock is somebody else's, the node does not exist. */
  refused: 1,
  /** The command line or the kubeconfig can't be used; nothing was asked. */
  usage: 2,
  /** A bug in this program. */
  internal: 70,
  /** The cluster gave no answer: not reached, not in time, or it does not know us. */
  noAnswer: 75,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_WORDS: Readonly<Record<ExitCode, string>> = {
  0: "done; `verify`: the gate is open; `doctor`: nothing is wrong",
  1: "refused or impossible; `verify`: the gate is closed; `doctor`: something is wrong",
  2: "the command line or the kubeconfig can't be used; nothing was asked",
  70: "a bug in this program",
  75: "no answer: the cluster was not reached, not in time, or did not accept the credentials",
  130: "ended by Ctrl-C",
};

/** A mistake that a person can mend: shown without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: ExitCode;

  /** @param message names the field, the value and the remedy. */
  constructor(message: string, exitCode: ExitCode = EXIT.usage, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}
