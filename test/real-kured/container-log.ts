/** What a container wrote in all of its lives: kubelet throws the logs of older ones away, so they are read on the way. */

/** `TIME STREAM TAG TEXT`, as the container runtime writes it to disk. */
const LINE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z (?:stdout|stderr) [FP] (.*)$/;

export class ContainerLog {
  readonly #lines = new Map<string, string>();

  /** @param files the log files' content as it is now, in any order; what was added before may be in it again. */
  add(files: string): void {
    for (const line of files.split("\n")) {
      const [, seconds, fraction = "", text] = LINE.exec(line) ?? [];
      if (seconds === undefined || text === undefined) continue;
      this.#lines.set(`${seconds}.${fraction.padEnd(9, "0")} ${text}`, text);
    }
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return [...this.#lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  }
}
