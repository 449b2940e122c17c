/** --help, made from what the parser itself reads. */
import { GLOBAL_OPTIONS } from "./arguments.ts";
import type { Command, Option, Spec } from "./command.ts";

/** How it is called where kubectl finds it as a plugin. */
export const CALLED = "kubectl nodelatch";

export function programHelp(commands: readonly Command[]): string {
  const widest = Math.max(...commands.map(({ spec }) => spec.name.length));
  return [
    "Nodes reboot safely, or not at all: locks of nodes, as kubectl's plugin.",
    "",
    "Usage:",
    `  ${CALLED} COMMAND [OPTIONS]`,
    "",
    "Commands:",
    ...commands.map(({ spec }) => `  ${spec.name.padEnd(widest)}   ${spec.summary}`),
    "",
    "Options of every command:",
    ...optionLines(GLOBAL_OPTIONS),
    "",
    `${CALLED} COMMAND --help shows its options and examples.`,
  ].join("\n");
}

export function commandHelp(spec: Spec): string {
  const { summary, details, positionals, options, examples } = spec;
  const sections = [
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${details === undefined ? "" : `\n\n${details}`}`,
    `Usage:\n  ${[CALLED, spec.name, positionals.shown, "[OPTIONS]"].filter((word) => word !== "").join(" ")}`,
    `Examples:\n${examples.map(([command, does]) => `  # ${does}\n  ${command}`).join("\n")}`,
    ...(options.length === 0 ? [] : [`Options:\n${optionLines(options).join("\n")}`]),
    `Options of every command:\n${optionLines(GLOBAL_OPTIONS).join("\n")}`,
  ];
  return sections.join("\n\n");
}

function optionLines(options: readonly Option[]): readonly string[] {
  const shown = options.map(optionText);
  const widest = Math.max(...shown.map((text) => text.length));
  return options.map(({ help, choices }, index) => {
    const known = choices === undefined ? "" : ` (${choices.join(", ")})`;
    return `  ${(shown[index] ?? "").padEnd(widest)}   ${help}${known}`;
  });
}

function optionText({ name, short, value }: Option): string {
  const dash = short === undefined ? "    " : `-${short}, `;
  return `${dash}--${name}${value === undefined ? "" : ` ${value}`}`;
}
