/** `kubectl nodelatch completion SHELL`, and what those scripts ask: `__complete WORDS...`. */
import { apiPath } from "../../kube/call.ts";
import { objectAt, textAt } from "../../kube/json.ts";
import { GLOBAL_OPTIONS } from "../arguments.ts";
import type { Arguments, Command, Context, Spec } from "../command.ts";
import { EXIT, UserError, type ExitCode } from "../exit-code.ts";
import { listAll } from "../lists.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export const completion: Command = {
  spec: {
    name: "completion",
    summary: "print the completion script of a shell",
    details:
      "kubectl itself asks a program named kubectl_complete-nodelatch on the PATH; this makes one:\n" +
      `  printf '#!/bin/sh\\nexec kubectl-nodelatch __complete "$@"\\n' > kubectl_complete-nodelatch\n` +
      "  chmod +x kubectl_complete-nodelatch",
    positionals: { shown: "SHELL", least: 1, most: 1, complete: SHELLS },
    options: [],
    examples: [
      ["source <(kubectl nodelatch completion bash)", "for kubectl-nodelatch in this bash"],
      ["kubectl nodelatch completion fish | source", "for kubectl-nodelatch in this fish"],
    ],
  },
  async run({ first }, { terminal }) {
    const shell = SHELLS.find((known) => known === first);
    if (shell === undefined) {
      throw new UserError(`SHELL=${JSON.stringify(first)}: expected one of ${SHELLS.join(", ")}`);
    }
    terminal.out(SCRIPTS[shell]);
    return EXIT.ok;
  },
};

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `_kubectl_nodelatch() {
  local IFS=$'\\n'
  COMPREPLY=($(kubectl-nodelatch __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | grep -v '^:'))
}
complete -F _kubectl_nodelatch kubectl-nodelatch`,
  zsh: `#compdef kubectl-nodelatch
_kubectl_nodelatch() {
  local -a found
  found=(\${(f)"$(kubectl-nodelatch __complete "\${(@)words[2,CURRENT]}" 2>/dev/null | grep -v '^:')"})
  compadd -a found
}
compdef _kubectl_nodelatch kubectl-nodelatch`,
  fish: `function __kubectl_nodelatch
  set -l words (commandline -opc)
  kubectl-nodelatch __complete $words[2..-1] (commandline -ct) 2>/dev/null | string match -v ':*'
end
complete -c kubectl-nodelatch -f -a '(__kubectl_nodelatch)'`,
};

/** Completion must never be slower than typing. */
const NODES_MILLIS = 2_000;

/**
 * Prints what may follow, a line each, and last `:4`, which tells kubectl to offer no file names.
 * @param words the words after the program's name; the last one is being typed.
 */
export async function completeLine(
  words: readonly string[],
  commands: readonly Command[],
  contextOf: (options: Arguments | undefined) => Context,
): Promise<ExitCode> {
  const typed = words.at(-1) ?? "";
  const context = contextOf(undefined);
  const asked = candidates(words, commands);
  const offered = asked === "nodes" ? await nodeNames(context).catch(() => []) : asked;
  for (const word of offered) if (word.startsWith(typed)) context.terminal.out(word);
  context.terminal.out(":4");
  return EXIT.ok;
}

/** Pure: everything that may stand there, or that it is a node's name. */
export function candidates(
  words: readonly string[],
  commands: readonly Command[],
): "nodes" | readonly string[] {
  const names = commands.map(({ spec }) => spec.name);
  const [name, ...rest] = words;
  if (name === undefined || rest.length === 0) return names;
  const spec = commands.find((command) => command.spec.name === name)?.spec;
  if (spec === undefined) return [];
  const options = [...spec.options, ...GLOBAL_OPTIONS];
  const before = rest.slice(0, -1);
  const open = options.find(({ name, short, value }) => {
    const last = before.at(-1);
    return value !== undefined && (last === `--${name}` || (short !== undefined && last === `-${short}`));
  });
  if (open !== undefined) return open.choices ?? [];
  if (rest.at(-1)?.startsWith("-") === true) return options.map((option) => `--${option.name}`);
  return positional(spec, before.filter((word) => !word.startsWith("-")).length, names);
}

function positional(
  { positionals }: Spec,
  given: number,
  commands: readonly string[],
): "nodes" | readonly string[] {
  if (given >= positionals.most) return [];
  if (positionals.complete === "commands") return commands;
  return positionals.complete;
}

async function nodeNames({ cluster, signal }: Context): Promise<readonly string[]> {
  const { kube } = await cluster();
  const until = AbortSignal.any([signal, AbortSignal.timeout(NODES_MILLIS)]);
  const path = apiPath("api", "v1", "nodes");
  const nodes = await listAll(kube, { doing: "list Nodes", path, kind: "NodeList", signal: until });
  return nodes.map((node) => textAt(objectAt(node, "metadata"), "name") ?? "");
}
