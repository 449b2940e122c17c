/** Reads the webhook's settings from flags and environment: pure, total, and it names everything that is wrong at once. */
import { parseArgs } from "node:util";
import { variableOf, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import { shorten } from "../lock/shorten.ts";

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All settings, by the names of the table; durations in milliseconds. */
export type Config = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };

export type ConfigRead =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  /** For standard error, one per line; the program then exits with 2. */
  | { readonly kind: "bad"; readonly problems: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/** Longest piece of a bad value that is quoted back. */
const QUOTED_CHARACTERS = 80;

/**
 * A flag beats its variable, a variable beats the default. An empty variable counts as unset, as charts write it.
 * @param argv without the program itself, e.g. `process.argv.slice(2)`.
 */
export function readConfig(argv: readonly string[], environment: Environment): ConfigRead {
  const problems: string[] = [];
  const flags = readFlags(argv, problems);
  if (flags.has("help")) return { kind: "help", text: helpText() };
  if (flags.has("version")) return { kind: "version" };

  function take<T>(setting: Setting<T>): T {
    const [source, value] = find(setting, flags, environment);
    if (value === undefined) return setting.fallback;
    const read = setting.read(value);
    if (read.ok) return read.value;
    problems.push(`${source}=${JSON.stringify(shorten(value, QUOTED_CHARACTERS))}: ${read.problem}`);
    return setting.fallback;
  }
  const config: Config = {
    port: take(SETTINGS.port),
    probePort: take(SETTINGS.probePort),
    bindAddress: take(SETTINGS.bindAddress),
    namespace: take(SETTINGS.namespace),
    serviceName: take(SETTINGS.serviceName),
    certMode: take(SETTINGS.certMode),
    certDir: take(SETTINGS.certDir),
    certSecret: take(SETTINGS.certSecret),
    certCaLifeMillis: take(SETTINGS.certCaLifeMillis),
    certLeafLifeMillis: take(SETTINGS.certLeafLifeMillis),
    validatingConfiguration: take(SETTINGS.validatingConfiguration),
    mutatingConfiguration: take(SETTINGS.mutatingConfiguration),
    injectCa: take(SETTINGS.injectCa),
    guardMode: take(SETTINGS.guardMode),
    onExpired: take(SETTINGS.onExpired),
    defaultTtlMillis: take(SETTINGS.defaultTtlMillis),
    maxTtlMillis: take(SETTINGS.maxTtlMillis),
    minTtlMillis: take(SETTINGS.minTtlMillis),
    exemptDeleters: take(SETTINGS.exemptDeleters),
    agentUser: take(SETTINGS.agentUser),
    drainMillis: take(SETTINGS.drainMillis),
    shutdownGraceMillis: take(SETTINGS.shutdownGraceMillis),
    maxInFlight: take(SETTINGS.maxInFlight),
    requestDeadlineMillis: take(SETTINGS.requestDeadlineMillis),
    events: take(SETTINGS.events),
    eventsPerMinute: take(SETTINGS.eventsPerMinute),
    kubeconfig: take(SETTINGS.kubeconfig),
    logLevel: take(SETTINGS.logLevel),
  };
  // Settings that are fine alone; looked at only when all are, or they would blame a default.
  if (problems.length === 0) problems.push(...contradictions(config));
  return problems.length === 0 ? { kind: "run", config } : { kind: "bad", problems };
}

function contradictions(config: Config): readonly string[] {
  const found: string[] = [];
  if (config.port === config.probePort)
    found.push(`--port and --probe-port: both are ${config.port}; expected two ports`);
  if (config.minTtlMillis > config.maxTtlMillis) found.push("--min-ttl: expected at most --max-ttl");
  const { defaultTtlMillis } = config;
  if (
    defaultTtlMillis !== undefined &&
    (defaultTtlMillis < config.minTtlMillis || defaultTtlMillis > config.maxTtlMillis)
  ) {
    found.push("--default-ttl: expected a duration from --min-ttl to --max-ttl");
  }
  if (config.certLeafLifeMillis > config.certCaLifeMillis)
    found.push("--cert-leaf-life: expected at most --cert-ca-life");
  if (config.certMode === "files" && config.certDir === "")
    found.push("--cert-dir: needed by --cert-mode=files");
  return found;
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

/** By name without dashes; `help` and `version` have no value. What can't be used is added to `problems`. */
function readFlags(argv: readonly string[], problems: string[]): ReadonlyMap<string, string> {
  const known = new Set(Object.values(SETTINGS).map((setting) => setting.flag));
  const options = Object.fromEntries([...known].map((flag) => [flag, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: "boolean", short: "h" }, version: { type: "boolean" } },
    strict: false,
    tokens: true,
  });
  const flags = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional")
      problems.push(`${JSON.stringify(token.value)}: expected only flags; see --help`);
    if (token.kind !== "option") continue;
    if (token.name === "help" || token.name === "version") flags.set(token.name, "");
    else if (!known.has(token.name)) problems.push(`${token.rawName}: no such flag; see --help`);
    else if (token.value === undefined) problems.push(`${token.rawName}: expected a value`);
    else if (flags.has(token.name)) problems.push(`${token.rawName}: given twice; expected it once`);
    else flags.set(token.name, token.value);
  }
  return flags;
}

function helpText(): string {
  const lines = Object.values(SETTINGS).map((setting) => {
    const variables = [variableOf(setting.flag), ...("alsoFrom" in setting ? [setting.alsoFrom] : [])];
    const shown = setting.shownFallback === "" ? "none" : setting.shownFallback;
    return `  --${setting.flag}=${setting.shape}\n      ${setting.help}\n      default ${shown}; ${variables.join(" or ")}\n`;
  });
  return `nodelatch-webhook: refuses to uncordon a node that is locked for a reboot.

Each setting is a flag or an environment variable; the flag wins. DURATION is written as 90m, 2h30m or 7d.

${lines.join("")}  --version
      prints the version
  --help
      prints this
`;
}
