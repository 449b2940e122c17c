/** Steps on a terminal, one after the other, with a count of those that went as promised. */
import type { Step } from "./steps.ts";

export const say = (line = ""): void => console.log(line);

/** The program's exit code. */
export async function show(all: readonly Step[]): Promise<number> {
  let good = 0;
  for (const [index, step] of all.entries()) {
    say(`\n${index + 1}. ${step.title}`);
    say(`   ${step.who}$ ${step.command}`);
    const outcome = await step.run();
    for (const line of outcome.lines) say(`   ${line}`);
    if (outcome.good) good += 1;
    else say("   ^ NOT what Nodelatch promises");
  }
  say(`\nResult: ${good} of ${all.length} steps went as promised.`);
  return good === all.length ? 0 : 1;
}
