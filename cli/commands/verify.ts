/** `kubectl nodelatch verify NODE`: may it reboot now? The same question as `/run/nodelatch/verify`, asked from afar. */
import { parseDuration } from "../../lock/duration.ts";
import { gateWords, type GateVerdict } from "../../lock/gate.ts";
import { askGate } from "../../kube/gate-facts.ts";
import { failureOf } from "../../kube/failure.ts";
import { backoffMillis } from "../../program/backoff.ts";
import type { Arguments, Command, Context } from "../command.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { nodeName } from "../node-name.ts";
import { FORMATS, printDocument } from "../output/document.ts";
import { paint } from "../output/terminal.ts";

const LONGEST_WAIT_MILLIS = 24 * 3_600_000;
const LOOK_AGAIN = { firstMillis: 1_000, maxMillis: 5_000 };

export const verify: Command = {
  spec: {
    name: "verify",
    summary: "say whether a node may reboot now: locked, cordoned, drained",
    details:
      "Asks the API server, never a cache. Exits with 0 if the gate is open, 1 if it is closed, and 75 if there\n" +
      "is no answer. The running kernel can't be seen from here: /run/nodelatch/verify on the node sees it.",
    positionals: { shown: "NODE", least: 1, most: 1, complete: "nodes" },
    options: [
      {
        name: "wait",
        value: "DURATION",
        help: "wait so long for what can still come true, such as the drain",
      },
      { name: "holder", value: "USER", help: "only if it is this user's lock; else anybody's will do" },
      { name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" },
    ],
    examples: [
      [`${CALLED} verify worker-1`, "may worker-1 reboot?"],
      [`${CALLED} verify worker-1 --wait 10m && reboot-it worker-1`, "wait for the drain, then reboot"],
    ],
  },
  async run(args, context) {
    const name = nodeName(args.first);
    const waitMillis = waitOf(args);
    const verdict = await ask({ nodeName: name, holder: args.text("holder") }, waitMillis, context);
    print(name, verdict, args.text("output"), context);
    return verdict.kind === "open" ? EXIT.ok : EXIT.refused;
  },
};

function waitOf(args: Arguments): number {
  const text = args.text("wait");
  if (text === undefined) return 0;
  const parsed = parseDuration(text);
  const problem = parsed.ok ? "longer than 24h" : parsed.problem;
  if (parsed.ok && parsed.millis <= LONGEST_WAIT_MILLIS) return parsed.millis;
  throw new UserError(`--wait=${JSON.stringify(text)}: ${problem}`);
}

async function ask(
  asked: { readonly nodeName: string; readonly holder: string | undefined },
  waitMillis: number,
  context: Context,
): Promise<GateVerdict> {
  const { signal, wallMillis } = context;
  const { kube } = await context.cluster();
  const endMillis = context.monotonicMillis() + waitMillis;
  let said = "";
  const say = (what: string): void => {
    if (what !== said) context.terminal.err(`waiting: ${what}`);
    said = what;
  };
  for (let looks = 1; ; looks += 1) {
    const isLast = (): boolean => signal.aborted || context.monotonicMillis() >= endMillis;
    try {
      const verdict = await askGate(kube, { ...asked, runningBootID: undefined, wallMillis, signal });
      if (verdict.kind === "open" || !verdict.mayOpen || isLast()) return verdict;
      say(gateWords(verdict).slice("closed: ".length));
    } catch (thrown) {
      // Rights don't come by waiting; a busy or restarting API server does.
      if (isLast() || ["forbidden", "unauthenticated", "tls"].includes(failureOf(thrown).kind)) throw thrown;
      say(failureOf(thrown).sentence);
    }
    const left = Math.max(0, endMillis - context.monotonicMillis());
    await context.sleep(Math.min(left, backoffMillis(looks, LOOK_AGAIN, context.random())));
  }
}

function print(node: string, verdict: GateVerdict, format: string | undefined, { terminal }: Context): void {
  if (format !== undefined) {
    const reasons = verdict.kind === "open" ? [] : verdict.reasons;
    printDocument(format, "GateVerdict", { node, verdict: verdict.kind, reasons }, (text) =>
      terminal.out(text),
    );
    return;
  }
  if (verdict.kind === "open") {
    terminal.out(`${node}: ${paint("open", "green", terminal)}${gateWords(verdict).slice("open".length)}`);
    return;
  }
  terminal.out(`${node}: ${paint("closed", "red", terminal)}`);
  for (const { text, mayPass } of verdict.reasons) {
    terminal.out(`  ${text}${mayPass ? "" : " (waiting does not help)"}`);
  }
}
