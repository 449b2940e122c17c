/** Reads the agent's command and settings from flags and environment: pure, total, everything that is wrong at once. */
import { readSettings, settingsHelp, type Environment } from "../program/read-settings.ts";
import type { Setting } from "../program/setting.ts";
import type { CniSettings } from "./cni/settings.ts";
import { ownPodOf, type ContainersSettings, type OwnPod } from "./containers/settings.ts";
import { SETTINGS } from "./settings.ts";

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All settings, by the names of the table; durations in milliseconds. */
export type Config = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };

export const COMMANDS = ["run", "boot", "shutdown", "scan", "clean", "report", "restore"] as const;
export type Command = (typeof COMMANDS)[number];

export type ConfigRead =
  /** `words` are what followed the command: paths for `restore`, nothing for the others. */
  | { readonly kind: Command; readonly config: Config; readonly words: readonly string[] }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  /** For standard error, one per line; the program then exits with 2. */
  | { readonly kind: "bad"; readonly problems: readonly string[] };

/**
 * A flag beats its variable, a variable beats the default. An empty variable counts as unset, as charts write it.
 * @param argv without the program itself, e.g. `process.argv.slice(2)`.
 */
export function readConfig(argv: readonly string[], environment: Environment): ConfigRead {
  const { asked, words, problems, take } = readSettings(SETTINGS, argv, environment);
  if (asked === "help") return { kind: "help", text: HELP };
  if (asked === "version") return { kind: "version" };
  const config: Config = {
    nodeName: take(SETTINGS.nodeName),
    podUid: take(SETTINGS.podUid),
    byHand: take(SETTINGS.byHand),
    hostRoot: take(SETTINGS.hostRoot),
    runtimeEndpoints: take(SETTINGS.runtimeEndpoints),
    bootPass: take(SETTINGS.bootPass),
    steadyPass: take(SETTINGS.steadyPass),
    shutdownPass: take(SETTINGS.shutdownPass),
    ruleCreatedInDeadSandbox: take(SETTINGS.ruleCreatedInDeadSandbox),
    ruleCreatedInReadySandbox: take(SETTINGS.ruleCreatedInReadySandbox),
    ruleUnknownInDeadSandbox: take(SETTINGS.ruleUnknownInDeadSandbox),
    ruleClockInverted: take(SETTINGS.ruleClockInverted),
    bootGraceMillis: take(SETTINGS.bootGraceMillis),
    steadyGraceMillis: take(SETTINGS.steadyGraceMillis),
    shutdownGraceMillis: take(SETTINGS.shutdownGraceMillis),
    steadyIntervalMillis: take(SETTINGS.steadyIntervalMillis),
    passBudgetMillis: take(SETTINGS.passBudgetMillis),
    shutdownBudgetMillis: take(SETTINGS.shutdownBudgetMillis),
    cniLeases: take(SETTINGS.cniLeases),
    cniCaches: take(SETTINGS.cniCaches),
    cniSandboxRepair: take(SETTINGS.cniSandboxRepair),
    cniEmptyLeases: take(SETTINGS.cniEmptyLeases),
    cniGraceMillis: take(SETTINGS.cniGraceMillis),
    cniNetworks: take(SETTINGS.cniNetworks),
    cniDataDirs: take(SETTINGS.cniDataDirs),
    cniConfDirs: take(SETTINGS.cniConfDirs),
    cniQuarantine: take(SETTINGS.cniQuarantine),
    cniQuarantineKeepMillis: take(SETTINGS.cniQuarantineKeepMillis),
    cniQuarantineMebibytes: take(SETTINGS.cniQuarantineMebibytes),
    runDir: take(SETTINGS.runDir),
    stateDir: take(SETTINGS.stateDir),
    lockCommand: take(SETTINGS.lockCommand),
    busAddress: take(SETTINGS.busAddress),
    probePort: take(SETTINGS.probePort),
    bindAddress: take(SETTINGS.bindAddress),
    api: take(SETTINGS.api),
    kubeconfig: take(SETTINGS.kubeconfig),
    output: take(SETTINGS.output),
    logLevel: take(SETTINGS.logLevel),
  };
  const { command, wrong } = commandOf(words);
  const found = [...wrong, ...problems];
  // A default is blamed only where nothing else is wrong.
  if (found.length === 0 && command === "run" && config.api === "on" && config.nodeName === "") {
    found.push("--node-name: needed by --api=on; give the node's name in NODE_NAME, or --api=off");
  }
  if (found.length > 0) return { kind: "bad", problems: found };
  return { kind: command, config, words: words.slice(1) };
}

function commandOf(words: readonly string[]): { readonly command: Command; readonly wrong: string[] } {
  const [word = "run", ...more] = words;
  const command = COMMANDS.find((known) => known === word);
  const wrong: string[] = [];
  if (command === undefined) wrong.push(`${JSON.stringify(word)}: expected one of ${COMMANDS.join(", ")}`);
  if (command !== "restore") {
    wrong.push(...more.map((each) => `${JSON.stringify(each)}: expected one command and flags; see --help`));
  } else if (more.length === 0) {
    wrong.push('restore: expected "all", or paths of files that were removed');
  }
  return { command: command ?? "run", wrong };
}

export function containersSettings(config: Config): ContainersSettings {
  return {
    modes: { boot: config.bootPass, steady: config.steadyPass, shutdown: config.shutdownPass },
    rules: {
      "created-in-dead-sandbox": config.ruleCreatedInDeadSandbox,
      "created-in-ready-sandbox": config.ruleCreatedInReadySandbox,
      "unknown-in-dead-sandbox": config.ruleUnknownInDeadSandbox,
      "clock-inverted": config.ruleClockInverted,
    },
    graceMillis: {
      boot: config.bootGraceMillis,
      steady: config.steadyGraceMillis,
      shutdown: config.shutdownGraceMillis,
    },
  };
}

export function cniSettings(config: Config): CniSettings {
  return {
    leases: config.cniLeases,
    caches: config.cniCaches,
    sandboxRepair: config.cniSandboxRepair,
    blankLeases: config.cniEmptyLeases,
    graceMillis: config.cniGraceMillis,
    networks: config.cniNetworks,
    dataDirs: config.cniDataDirs,
    confDirs: config.cniConfDirs,
  };
}

/** A UID that is given counts, whoever started the agent. */
export function ownPod({ podUid, byHand }: Config): OwnPod {
  return podUid === "" && byHand ? { kind: "none" } : ownPodOf(podUid);
}

const HELP = `nodelatch-agent: removes what blocks a node after a reboot: stuck containers, stale addresses of pods.

  nodelatch-agent [run]      stays: passes after a boot, rarely later, and before a shutdown
  nodelatch-agent boot       one pass over containers as after a boot (a second one where a single look proves nothing)
  nodelatch-agent shutdown   one pass over containers as before a shutdown, likewise
  nodelatch-agent scan       says which leases of pod addresses are stale; changes nothing
  nodelatch-agent clean      one pass over them: what is stale by now goes to quarantine
  nodelatch-agent report     what the running agent's last pass over them said
  nodelatch-agent restore all | PATH...
                             puts removed files back; PATH as the node calls it, see the report

They print what they saw and did. They exit with 0 if all is well, 1 if something could not be read, removed or put
back, 2 if a setting is wrong.

Each setting is a flag or an environment variable; the flag wins. DURATION is written as 90s, 10m or 2h30m.

${settingsHelp(SETTINGS)}`;
