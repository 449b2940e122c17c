/** `kubectl nodelatch version`: this program's; `doctor` has those of the cluster. */
import type { Command } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { FORMATS, printDocument } from "../output/document.ts";

export const version: Command = {
  spec: {
    name: "version",
    summary: "print the version of this program",
    positionals: { shown: "", least: 0, most: 0, complete: [] },
    options: [{ name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" }],
    examples: [[`${CALLED} version`, "print it"]],
  },
  async run(args, { terminal, version }) {
    const format = args.text("output");
    if (format === undefined) terminal.out(`nodelatch ${version}`);
    else printDocument(format, "Version", { version }, (text) => terminal.out(text));
    return EXIT.ok;
  },
};
