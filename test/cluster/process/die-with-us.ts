import type { Argv } from "./run.ts";

/** PPID of a shell is who started it; one that is gone has left it to another. */
const start = '[ "$PPID" = "$0" ] && exec "$@"';

/**
 * A command line that runs the given one in its own stead, and ends with this process, even by a SIGKILL. Who is gone
 * before the kernel is told sends no signal any more (PR_SET_PDEATHSIG(2const)): then nothing is started.
 */
export function dieWithUs(argv: readonly string[]): Argv {
  return ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", start, String(process.pid), ...argv];
}
