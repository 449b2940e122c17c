/** `kubectl nodelatch diagnose prepull NAME`: why an ImagePrePullJob hangs or has failed. Reads only. */
import { CAUSES, type Diagnosis } from "../../prepull/diagnose/diagnosis.ts";
import { diagnose as causesOf } from "../../prepull/diagnose/diagnose.ts";
import type { Command } from "../command.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { FORMATS, printDocument } from "../output/document.ts";
import { paint, type Terminal } from "../output/terminal.ts";
import { gather } from "../prepull/gather.ts";

/** Causes that are none. */
const FINE: ReadonlySet<string> = new Set(["in-progress", "ended-well"]);

export const diagnose: Command = {
  spec: {
    name: "diagnose",
    summary: "say why an ImagePrePullJob hangs or has failed",
    details: [
      "Ranked causes, each with what speaks for it and what to do next. Changes nothing.",
      "Exits with 0 if nothing speaks against the job, 1 if something does.",
    ].join("\n"),
    positionals: { shown: "prepull NAME", least: 2, most: 2, complete: ["prepull"] },
    options: [
      { name: "kubeedge-namespace", value: "NAME", help: "where KubeEdge's cloud side runs; kubeedge" },
      { name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" },
    ],
    examples: [[`${CALLED} diagnose prepull job1`, "why job1 hangs"]],
  },
  async run(args, { cluster, terminal, wallMillis, signal }) {
    const [what = "", jobName = ""] = args.positionals;
    if (what !== "prepull") {
      throw new UserError(`diagnose: ${JSON.stringify(what)} is not known; expected prepull NAME`);
    }
    const { kube } = await cluster();
    const namespace = args.text("kubeedge-namespace") ?? "kubeedge";
    const { input, unread } = await gather({ kube, jobName, namespace, wallMillis, signal });
    const causes = causesOf(input);
    const format = args.text("output");
    if (format !== undefined) {
      const items = causes.map((found) => ({ ...found, meaning: CAUSES[found.cause] }));
      printDocument(format, "PrepullDiagnosis", { job: jobName, causes: items, unread }, (text) =>
        terminal.out(text),
      );
    } else {
      for (const [at, found] of causes.entries()) printCause(at + 1, found, terminal);
      for (const problem of unread) terminal.err(`not read: ${problem}`);
    }
    return FINE.has(causes[0].cause) ? EXIT.ok : EXIT.refused;
  },
};

function printCause(rank: number, { cause, sure, evidence, next }: Diagnosis, terminal: Terminal): void {
  const fine = FINE.has(cause);
  const words = fine || sure ? CAUSES[cause] : `likely: ${CAUSES[cause]}`;
  terminal.out(`${rank}. ${paint(words, fine ? "green" : sure ? "red" : "yellow", terminal)} [${cause}]`);
  for (const text of evidence) terminal.out(`   - ${text}`);
  terminal.out(`   next: ${next}`);
}
