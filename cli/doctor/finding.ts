/** What the doctor finds. */

/** info: worth knowing, neither right nor wrong. skip: could not be looked at, e.g. for want of rights. */
export type Level = "ok" | "info" | "skip" | "warn" | "fail";

export interface Finding {
  readonly level: Level;
  /** Lower case and dashes. */
  readonly check: string;
  readonly text: string;
  readonly remedy?: string;
}

export function finding(level: Level, check: string, text: string, remedy?: string): Finding {
  return remedy === undefined ? { level, check, text } : { level, check, text, remedy };
}
