/** Kinds of settings: how each is read from text, and how it reads in --help. */
import { parseDuration } from "../lock/duration.ts";

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** One setting. `flag` without dashes; its variable is `NODELATCH_` and the flag in capitals. */
export interface Setting<T> {
  readonly flag: string;
  /** What a value looks like, e.g. `DURATION`. */
  readonly shape: string;
  readonly help: string;
  readonly fallback: T;
  /** The default as a user would write it; "" = none. */
  readonly shownFallback: string;
  /** Read after the flag and `NODELATCH_...`; for variables that Kubernetes' users know by another name. */
  readonly alsoFrom?: string;
  /** Total over any text; the problem says what is expected. */
  read(text: string): Read<T>;
}

type Named = Pick<Setting<unknown>, "flag" | "help" | "alsoFrom">;

export function integer(named: Named, fallback: number, least: number, most: number): Setting<number> {
  return {
    ...named,
    shape: `${least}..${most}`,
    fallback,
    shownFallback: String(fallback),
    read(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= least && value <= most) return { ok: true, value };
      return { ok: false, problem: `expected an integer from ${least} to ${most}` };
    },
  };
}

/** Milliseconds, written as `90m` or `2h30m`. */
export function duration(named: Named, fallback: string, least: string, most: string): Setting<number> {
  const [fallbackMillis, leastMillis, mostMillis] = [fallback, least, most].map(knownDuration);
  return {
    ...named,
    shape: "DURATION",
    fallback: fallbackMillis ?? 0,
    shownFallback: fallback,
    read(text) {
      const parsed = parseDuration(text);
      if (!parsed.ok) return { ok: false, problem: parsed.problem };
      if (parsed.millis >= (leastMillis ?? 0) && parsed.millis <= (mostMillis ?? 0)) {
        return { ok: true, value: parsed.millis };
      }
      return { ok: false, problem: `expected a duration from ${least} to ${most}` };
    },
  };
}

/** As `duration`, or `none` (undefined), which is the default. */
export function optionalDuration(named: Named, least: string, most: string): Setting<number | undefined> {
  const inner = duration(named, least, least, most);
  return {
    ...inner,
    shape: "DURATION|none",
    fallback: undefined,
    shownFallback: "none",
    read(text) {
      if (text === "none") return { ok: true, value: undefined };
      const read = inner.read(text);
      return read.ok ? read : { ok: false, problem: `${read.problem}, or none` };
    },
  };
}

export function oneOf<const T extends string>(
  named: Named,
  values: readonly T[],
  fallback: NoInfer<T>,
): Setting<T> {
  return {
    ...named,
    shape: values.join("|"),
    fallback,
    shownFallback: fallback,
    read(text) {
      const value = values.find((known) => known === text);
      return value === undefined
        ? { ok: false, problem: `expected one of ${values.join(", ")}` }
        : { ok: true, value };
    },
  };
}

export function flag(named: Named, fallback: boolean): Setting<boolean> {
  const inner = oneOf(named, ["true", "false"], fallback ? "true" : "false");
  return {
    ...inner,
    fallback,
    read(text) {
      const read = inner.read(text);
      return read.ok ? { ok: true, value: read.value === "true" } : read;
    },
  };
}

/** A name as Kubernetes gives to objects (RFC 1123 subdomain). */
export function objectName(named: Named, fallback: string): Setting<string> {
  return {
    ...named,
    shape: "NAME",
    fallback,
    shownFallback: fallback,
    read(text) {
      const wanted = "expected a Kubernetes name: a-z, 0-9, '-' and '.', at most 253 characters";
      if (
        text.length > 253 ||
        !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
      ) {
        return { ok: false, problem: wanted };
      }
      return { ok: true, value: text };
    },
  };
}

/** Any text that is not empty; the default may be. */
export function text(named: Named, shape: string, fallback: string): Setting<string> {
  return {
    ...named,
    shape,
    fallback,
    shownFallback: fallback,
    read: (value) =>
      value.trim() === ""
        ? { ok: false, problem: `expected ${shape}, got nothing` }
        : { ok: true, value: value.trim() },
  };
}

/** Separated by commas; the empty text is the empty list. */
export function names(named: Named, fallback: readonly string[]): Setting<readonly string[]> {
  return {
    ...named,
    shape: "NAME,NAME...",
    fallback,
    shownFallback: fallback.join(","),
    read(value) {
      const items = value.split(",").map((item) => item.trim());
      if (value.trim() === "") return { ok: true, value: [] };
      if (items.includes("")) return { ok: false, problem: "expected names separated by single commas" };
      return { ok: true, value: [...new Set(items)] };
    },
  };
}

/** The environment variable of a flag. */
export function variableOf(flag: string): string {
  return `NODELATCH_${flag.toUpperCase().replaceAll("-", "_")}`;
}

function knownDuration(written: string): number {
  const parsed = parseDuration(written);
  if (!parsed.ok) throw new Error(`${JSON.stringify(written)} in the table of settings: ${parsed.problem}`);
  return parsed.millis;
}
