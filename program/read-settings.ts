/** Reads a program's settings from flags and environment: pure, total, and it names everything that is wrong at once. */
import { parseArgs } from "node:util";
import { shorten } from "../lock/shorten.ts";
import { variableOf, type Setting } from "./setting.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Any table of settings; its readers take them out one by one, so that each keeps its type. */
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

export interface SettingsReader {
  /** Present if asked for; nothing else of the command line counts then. */
  readonly asked: "help" | "version" | undefined;
  /** Words that are no flags, in order. */
  readonly words: readonly string[];
  /** What was wrong so far: flags that do not exist, and what `take` met. For standard error, one per line. */
  readonly problems: readonly string[];
  /** The setting's value, or its default after adding to `problems`. */
  readonly take: <T>(setting: Setting<T>) => T;
}

/** Longest piece of a bad value that is quoted back. */
const QUOTED_CHARACTERS = 80;

/**
 * A flag beats its variable, a variable beats the default. An empty variable counts as unset, as charts write it.
 * @param argv without the program itself, e.g. `process.argv.slice(2)`.
 */
export function readSettings(
  settings: SettingsTable,
  argv: readonly string[],
  environment: Environment,
): SettingsReader {
  const problems: string[] = [];
  const { flags, words } = readFlags(settings, argv, problems);
  return {
    asked: flags.has("help") ? "help" : flags.has("version") ? "version" : undefined,
    words,
    problems,
    take: (setting) => {
      const [source, value] = find(setting, flags, environment);
      if (value === undefined) return setting.fallback;
      const read = setting.read(value);
      if (read.ok) return read.value;
      problems.push(`${source}=${JSON.stringify(shorten(value, QUOTED_CHARACTERS))}: ${read.problem}`);
      return setting.fallback;
    },
  };
}

/** Where a setting comes from, and its text; undefined = nowhere. */
function find(
  setting: Setting<unknown>,
  flags: ReadonlyMap<string, string>,
  environment: Environment,
): readonly [source: string, value: string | undefined] {
  const value = flags.get(setting.flag);
  if (value !== undefined) return [`--${setting.flag}`, value];
  const variables = [variableOf(setting.flag), ...(setting.alsoFrom === undefined ? [] : [setting.alsoFrom])];
  for (const variable of variables) {
    const value = environment[variable];
    if (value !== undefined && value !== "") return [variable, value];
  }
  return ["", undefined];
}

interface Flags {
  /** By name without dashes; `help` and `version` have no value. */
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/** What can't be used is added to `problems`. */
function readFlags(settings: SettingsTable, argv: readonly string[], problems: string[]): Flags {
  const known = new Set(Object.values(settings).map((setting) => setting.flag));
  const options = Object.fromEntries([...known].map((flag) => [flag, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: "boolean", short: "h" }, version: { type: "boolean" } },
    strict: false,
    tokens: true,
  });
  const flags = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help" || token.name === "version") flags.set(token.name, "");
    else if (!known.has(token.name)) problems.push(`${token.rawName}: no such flag; see --help`);
    else if (token.value === undefined) problems.push(`${token.rawName}: expected a value`);
    else if (flags.has(token.name)) problems.push(`${token.rawName}: given twice; expected it once`);
    else flags.set(token.name, token.value);
  }
  return { flags, words };
}

/** One paragraph per setting, for --help. */
export function settingsHelp(settings: SettingsTable): string {
  const lines = Object.values(settings).map((setting) => {
    const variables = [
      variableOf(setting.flag),
      ...(setting.alsoFrom === undefined ? [] : [setting.alsoFrom]),
    ];
    const shown = setting.shownFallback === "" ? "none" : setting.shownFallback;
    return `  --${setting.flag}=${setting.shape}\n      ${setting.help}\n      default ${shown}; ${variables.join(" or ")}\n`;
  });
  return `${lines.join("")}  --version\n      prints the version\n  --help\n      prints this\n`;
}
