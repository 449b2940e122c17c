/** From a command line to an exit code. The real world comes in from main.ts. */
import { parseDuration } from "../lock/duration.ts";
import type { KubeConnection } from "../kube/call.ts";
import { failureOf, KubeError, type KubeFailureKind } from "../kube/failure.ts";
import { GLOBAL_OPTIONS, parseArguments } from "./arguments.ts";
import type { Arguments, Cluster, Command, Context } from "./command.ts";
import { check } from "./commands/check.ts";
import { completion, completeLine } from "./commands/completion.ts";
import { diagnose } from "./commands/diagnose.ts";
import { doctor } from "./commands/doctor.ts";
import { history } from "./commands/history.ts";
import { lock } from "./commands/lock.ts";
import { status } from "./commands/status.ts";
import { unlock } from "./commands/unlock.ts";
import { verify } from "./commands/verify.ts";
import { version } from "./commands/version.ts";
import { connect } from "./connect/connection.ts";
import { readKubeconfig } from "./connect/kubeconfig.ts";
import { EXIT, UserError, type ExitCode } from "./exit-code.ts";
import { CALLED, commandHelp, programHelp } from "./help.ts";
import { paint, type Terminal } from "./output/terminal.ts";

export interface World {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Standard input is a terminal. */
  readonly interactive: boolean;
  readonly version: string;
  readonly wallMillis: () => number;
  readonly monotonicMillis: () => number;
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

const help: Command = {
  spec: {
    name: "help",
    summary: "show the help of a command",
    positionals: { shown: "[COMMAND]", least: 0, most: 1, complete: "commands" },
    options: [],
    examples: [[`${CALLED} help unlock`, "what unlock does, and its options"]],
  },
  async run({ first }, { terminal }) {
    terminal.out(first === "" ? programHelp(COMMANDS) : commandHelp(commandNamed(first).spec));
    return EXIT.ok;
  },
};

export const COMMANDS: readonly Command[] = [
  lock,
  unlock,
  status,
  verify,
  history,
  doctor,
  check,
  diagnose,
  version,
  completion,
  help,
];

const DEFAULT_TIMEOUT_MILLIS = 10_000;

/** Never rejects. */
export async function runProgram(argv: readonly string[], world: World): Promise<ExitCode> {
  const open: KubeConnection[] = [];
  try {
    return await dispatch(argv, world, open);
  } catch (thrown) {
    return explain(thrown, world);
  } finally {
    for (const kube of open) await kube.close();
  }
}

/** @param open takes the connections that are made, to be closed. */
async function dispatch(argv: readonly string[], world: World, open: KubeConnection[]): Promise<ExitCode> {
  const context = (args: Arguments | undefined): Context => contextOf(args, world, open);
  const [name = "help", ...rest] = argv;
  if (["--help", "-h"].includes(name)) return help.run(parseArguments(help.spec, rest), context(undefined));
  if (name === "--version") return version.run(parseArguments(version.spec, rest), context(undefined));
  // Typed by shells, not by people: listed nowhere.
  if (name === "__complete") {
    return completeLine(rest, [...COMMANDS], context);
  }
  const command = commandNamed(name);
  const args = parseArguments(command.spec, rest);
  if (args.isSet("help")) {
    world.terminal.out(commandHelp(command.spec));
    return EXIT.ok;
  }
  return command.run(args, context(args));
}

function commandNamed(name: string): Command {
  const found = COMMANDS.find(({ spec }) => spec.name === name);
  if (found !== undefined) return found;
  const known = COMMANDS.map(({ spec }) => spec.name).join(", ");
  const isOption = GLOBAL_OPTIONS.some((option) => name.startsWith(`--${option.name}`));
  const advice = isOption ? "options come after the command" : `expected one of ${known}`;
  throw new UserError(`unknown command ${JSON.stringify(name)}: ${advice}`);
}

function contextOf(args: Arguments | undefined, world: World, open: KubeConnection[]): Context {
  return {
    terminal: world.terminal,
    cluster: async () => {
      const cluster = openCluster(args, world);
      open.push(cluster.kube);
      return cluster;
    },
    namespace: args?.text("namespace"),
    version: world.version,
    wallMillis: world.wallMillis,
    monotonicMillis: world.monotonicMillis,
    sleep: async (millis) => world.sleep(millis, world.signal),
    random: world.random,
    signal: world.signal,
  };
}

function openCluster(args: Arguments | undefined, world: World): Cluster {
  const { env, home, terminal } = world;
  const config = readKubeconfig({
    file: args?.text("kubeconfig"),
    context: args?.text("context"),
    env,
    home,
  });
  const groups = args?.texts("as-group") ?? [];
  const user = args?.text("as");
  if (groups.length > 0 && user === undefined) {
    throw new UserError(`--as-group=${groups.join(",")}: needs --as as well: a group alone is nobody`);
  }
  const kube = connect({
    config,
    as: { user, groups },
    timeoutMillis: timeoutOf(args?.text("request-timeout")),
    world,
    onWarning: (text) => terminal.err(`${paint("Warning:", "yellow", terminal)} ${text}`),
  });
  return { kube, context: config.getCurrentContext() };
}

/** As kubectl, a bare number is seconds. */
function timeoutOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MILLIS;
  const parsed = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (parsed.ok) return parsed.millis;
  throw new UserError(`--request-timeout=${JSON.stringify(text)}: expected a duration such as 30s`);
}

function explain(thrown: unknown, { terminal, signal, env }: World): ExitCode {
  const say = (text: string): void => terminal.err(`${paint("error:", "red", terminal)} ${text}`);
  if (signal.aborted) return EXIT.interrupted;
  const mistake = userErrorIn(thrown);
  if (mistake !== undefined) {
    say(mistake.message);
    return mistake.exitCode;
  }
  if (thrown instanceof KubeError) {
    const { kind } = thrown.failure;
    const advice = ADVICE[kind];
    say(`${thrown.message}${advice === undefined ? "" : `; ${advice}`}`);
    return NO_ANSWER.includes(kind) ? EXIT.noAnswer : EXIT.refused;
  }
  say(`this is a bug in nodelatch: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  if ((env["NODELATCH_DEBUG"] ?? "") !== "" && thrown instanceof Error) terminal.err(thrown.stack ?? "");
  else terminal.err("NODELATCH_DEBUG=1 shows where");
  return EXIT.internal;
}

/** What exec plugins and kubeconfigs do wrong comes up wrapped in the request that needed them. */
function userErrorIn(thrown: unknown): UserError | undefined {
  if (thrown instanceof UserError) return thrown;
  if (!(thrown instanceof KubeError) || failureOf(thrown).kind !== "unknown") return undefined;
  return thrown.cause instanceof UserError ? thrown.cause : undefined;
}

const NO_ANSWER: readonly KubeFailureKind[] = [
  "unauthenticated",
  "busy",
  "unavailable",
  "timeout",
  "aborted",
  "tls",
  "network",
  "garbage",
  "unknown",
];

const ADVICE: Readonly<Partial<Record<KubeFailureKind, string>>> = {
  unauthenticated: "the cluster does not accept these credentials; log in again, or give another --context",
  network: "is the cluster up, and is --context the right one?",
  timeout: "is the cluster up, and is --context the right one? --request-timeout waits longer",
  tls: "is it the right cluster for this --context?",
  garbage: "is the kubeconfig's server a Kubernetes API?",
  busy: "try again in a moment",
  unavailable: "try again in a moment",
};
