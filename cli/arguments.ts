/**
 * Takes command lines apart. node:util's parseArgs does it: it is part of Node, it has all that is needed here (long,
 * short, repeated, `--a=b`), and a library for commands would decide the words of --help and of mistakes too.
 */
import { parseArgs } from "node:util";
import type { Arguments, Option, Spec } from "./command.ts";
import { UserError } from "./exit-code.ts";

/** Taken by every subcommand. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  { name: "kubeconfig", value: "FILE", help: "kubeconfig file; else $KUBECONFIG, else ~/.kube/config" },
  { name: "context", value: "NAME", help: "context of the kubeconfig; else its current one" },
  { name: "namespace", short: "n", value: "NAME", help: "where Nodelatch is installed; nodelatch-system" },
  { name: "as", value: "USER", help: "act as this user, if you may" },
  { name: "as-group", value: "GROUP", repeats: true, help: "act as a member of this group; may be repeated" },
  { name: "request-timeout", value: "DURATION", help: "longest time for one request; 10s" },
  { name: "help", short: "h", help: "print this" },
];

/**
 * @param argv what follows the subcommand's name.
 * @throws UserError naming the option or argument, and what is known.
 */
export function parseArguments(spec: Spec, argv: readonly string[]): Arguments {
  const options = [...spec.options, ...GLOBAL_OPTIONS];
  const { values, positionals } = read(spec, options, argv);
  const isHelp = values["help"] === true;
  const { least, most, shown } = spec.positionals;
  if (!isHelp && positionals.length < least) {
    throw new UserError(`${spec.name}: expected ${shown}; try: kubectl nodelatch ${spec.name} --help`);
  }
  if (!isHelp && positionals.length > most) {
    const extra = JSON.stringify(positionals[most]);
    throw new UserError(`${spec.name}: ${extra} is one argument too many; expected ${shown || "none"}`);
  }
  const textsOf = (name: string): readonly string[] => {
    const value = values[name];
    const list = Array.isArray(value) ? value : [value];
    return list.filter((one) => typeof one === "string");
  };
  for (const { name, choices } of options) {
    for (const value of textsOf(name)) {
      if (choices === undefined || choices.includes(value)) continue;
      throw new UserError(`--${name}=${JSON.stringify(value)}: expected one of ${choices.join(", ")}`);
    }
  }
  return {
    positionals,
    first: positionals[0] ?? "",
    text: (name) => textsOf(name).at(-1),
    texts: textsOf,
    isSet: (name) => values[name] === true,
  };
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

function read(
  spec: Spec,
  options: readonly Option[],
  argv: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: Object.fromEntries(
        options.map(({ name, short, value, repeats }) => [
          name,
          {
            type: value === undefined ? ("boolean" as const) : ("string" as const),
            multiple: repeats === true,
            ...(short === undefined ? {} : { short }),
          },
        ]),
      ),
    });
  } catch (cause) {
    // Its own words, less the advice on positionals that look like options, which nobody here has.
    const said = cause instanceof Error ? cause.message.split(". ")[0] : String(cause);
    throw new UserError(
      `${spec.name}: ${said}; try: kubectl nodelatch ${spec.name} --help`,
      undefined,
      cause,
    );
  }
}
