/** Reads the webhook's settings from flags and environment: pure, total, and it names everything that is wrong at once. */
import { isRuleName } from "../prepull/rule.ts";
import { readSettings, settingsHelp, type Environment } from "../program/read-settings.ts";
import type { Setting } from "../program/setting.ts";
import { SETTINGS } from "./settings.ts";

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All settings, by the names of the table; durations in milliseconds. */
export type Config = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };

export type ConfigRead =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  /** For standard error, one per line; the program then exits with 2. */
  | { readonly kind: "bad"; readonly problems: readonly string[] };

/**
 * A flag beats its variable, a variable beats the default. An empty variable counts as unset, as charts write it.
 * @param argv without the program itself, e.g. `process.argv.slice(2)`.
 */
export function readConfig(argv: readonly string[], environment: Environment): ConfigRead {
  const { asked, words, problems: found, take } = readSettings(SETTINGS, argv, environment);
  if (asked === "help") return { kind: "help", text: HELP };
  if (asked === "version") return { kind: "version" };
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
    webhookUser: take(SETTINGS.webhookUser),
    carryOutUncordons: take(SETTINGS.carryOutUncordons),
    autoscalers: take(SETTINGS.autoscalers),
    acceptNodeIdentity: take(SETTINGS.acceptNodeIdentity),
    tools: take(SETTINGS.tools),
    prepullMode: take(SETTINGS.prepullMode),
    prepullWarnOnly: take(SETTINGS.prepullWarnOnly),
    prepullControllers: take(SETTINGS.prepullControllers),
    prepullDefaults: take(SETTINGS.prepullDefaults),
    prepullNamespace: take(SETTINGS.prepullNamespace),
    prepullSecretNamespaces: take(SETTINGS.prepullSecretNamespaces),
    drainMillis: take(SETTINGS.drainMillis),
    shutdownGraceMillis: take(SETTINGS.shutdownGraceMillis),
    maxInFlight: take(SETTINGS.maxInFlight),
    requestDeadlineMillis: take(SETTINGS.requestDeadlineMillis),
    events: take(SETTINGS.events),
    eventsPerMinute: take(SETTINGS.eventsPerMinute),
    kubeconfig: take(SETTINGS.kubeconfig),
    logLevel: take(SETTINGS.logLevel),
  };
  const wrong = [
    ...words.map((word) => `${JSON.stringify(word)}: expected only flags; see --help`),
    ...found,
  ];
  // Settings that are fine alone; looked at only when all are, or they would blame a default.
  const problems = wrong.length === 0 ? contradictions(config) : wrong;
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
  for (const { name, ttlMillis } of config.tools) {
    if (ttlMillis === undefined) continue;
    if (ttlMillis < config.minTtlMillis || ttlMillis > config.maxTtlMillis)
      found.push(`--tools: ttl of ${name}: expected a duration from --min-ttl to --max-ttl`);
  }
  if (config.certLeafLifeMillis > config.certCaLifeMillis)
    found.push("--cert-leaf-life: expected at most --cert-ca-life");
  if (config.certMode === "files" && config.certDir === "")
    found.push("--cert-dir: needed by --cert-mode=files");
  for (const rule of config.prepullWarnOnly) {
    if (isRuleName(rule)) continue;
    found.push(`--prepull-warn-only: ${JSON.stringify(rule)} is no rule; docs/prepull.md lists them`);
  }
  return found;
}

const HELP = `nodelatch-webhook: refuses to uncordon a node that is locked for a reboot.

Each setting is a flag or an environment variable; the flag wins. DURATION is written as 90m, 2h30m or 7d.

${settingsHelp(SETTINGS)}`;
