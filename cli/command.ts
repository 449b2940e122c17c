/** What a subcommand is: its words for --help and completion, and what it does. */
import type { KubeConnection } from "../kube/call.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Terminal } from "./output/terminal.ts";

export interface Option {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in --help; absent for a switch. */
  readonly value?: string;
  readonly repeats?: boolean;
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface Spec {
  readonly name: string;
  /** One line, lower case, no full stop. */
  readonly summary: string;
  /** More, where one line is not enough; wrapped by hand. */
  readonly details?: string;
  readonly positionals: {
    /** As --help shows them, e.g. `NODE`. */
    readonly shown: string;
    readonly least: number;
    readonly most: number;
    /** What completion offers for them. */
    readonly complete: "nodes" | "commands" | readonly string[];
  };
  readonly options: readonly Option[];
  /** Each as it would be typed, with what it does. */
  readonly examples: readonly (readonly [command: string, does: string])[];
}

/** A command line taken apart. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** The first positional; parsing made sure that there is one where the spec asks for it. */
  readonly first: string;
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  isSet(option: string): boolean;
}

export interface Cluster {
  readonly kube: KubeConnection;
  /** The name of the kubeconfig's context, for messages. */
  readonly context: string;
}

export interface Context {
  readonly terminal: Terminal;
  /** Connects as the global options say. @throws UserError if the kubeconfig can't be used. */
  readonly cluster: () => Promise<Cluster>;
  readonly namespace: string | undefined;
  readonly version: string;
  readonly wallMillis: () => number;
  readonly monotonicMillis: () => number;
  /** Resolves after that long or when the signal aborts. */
  readonly sleep: (millis: number) => Promise<void>;
  readonly random: () => number;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly spec: Spec;
  run(args: Arguments, context: Context): Promise<ExitCode>;
}
