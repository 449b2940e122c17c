/** Reboot tools: are they known, is what is registered what the webhook goes by, and do they ask the gate? Pure. */
import type { Fact } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";
import { asksGate, GATE, type Kured } from "./kured.ts";

export interface ToolFacts {
  /** Users that each registered entry names; undefined where there is no such entry or it may not be read. */
  readonly guard: readonly string[] | undefined;
  readonly latch: readonly string[] | undefined;
  /** Users of the webhook's own setting; undefined: its Deployment names none. */
  readonly webhook: Fact<readonly string[] | undefined>;
  readonly kureds: Fact<readonly Kured[]>;
}

export function judgeTools(facts: ToolFacts): readonly Finding[] {
  const known = facts.guard ?? facts.latch;
  // Nothing is registered, or it may not be read: the registrations' own findings say so.
  if (known === undefined) return [];
  return [judgeLists(facts, known), ...judgeKureds(facts.kureds, known)];
}

function judgeLists({ guard, latch = [], webhook }: ToolFacts, known: readonly string[]): Finding {
  const remedy = "helm upgrade sets it right";
  if (guard !== undefined && !areSame(guard, latch)) {
    const text = `guard.nodelatch.io names ${listed(guard)}, latch-tools.nodelatch.io ${listed(latch)}`;
    return finding("fail", "tools", text, remedy);
  }
  if (webhook.kind === "known" && !areSame(webhook.value ?? [], known)) {
    const text = `the webhook's --tools names ${listed(webhook.value ?? [])}, the registration ${listed(known)}`;
    return finding("fail", "tools", text, remedy);
  }
  if (known.length === 0)
    return finding("info", "tools", "no reboot tool is known (tools): none takes a lock by itself");
  const unseen =
    webhook.kind === "unknown" ? `; not compared with the webhook's own list: ${webhook.why}` : "";
  return finding("ok", "tools", `cordons of ${listed(known)} take a lock${unseen}`);
}

function judgeKureds(fact: Fact<readonly Kured[]>, known: readonly string[]): readonly Finding[] {
  if (fact.kind === "unknown") return [finding("skip", "kured", fact.why)];
  return fact.value.flatMap((kured) => {
    const wrong = wrongWith(kured, known);
    return wrong.length > 0
      ? wrong
      : [
          finding(
            "ok",
            "kured",
            `DaemonSet ${kured.daemonSet} takes locks, and asks the gate before it reboots`,
          ),
        ];
  });
}

/** For kured's arguments, as docs/gate.md has it. */
export function gateOption(username: string): string {
  const verify = `/bin/sh ${GATE} --wait 2m --holder ${username}`;
  return `--reboot-command="/bin/sh -c '${verify} && /bin/systemctl reboot'"`;
}

function wrongWith(kured: Kured, known: readonly string[]): readonly Finding[] {
  const { daemonSet, username, rebootCommand = "", bySignal, forced } = kured;
  const who = `DaemonSet ${daemonSet}`;
  const warn = (text: string, remedy: string): Finding => finding("warn", "kured", `${who} ${text}`, remedy);
  const findings: Finding[] = [];
  if (!known.includes(username)) {
    const entry = `tools: [{preset: kured, username: "${username}"}]`;
    findings.push(
      warn(
        `runs as ${username}, which is no known tool: its cordons take no lock`,
        `${entry} in the chart's values`,
      ),
    );
  }
  const gate = `give it ${gateOption(username)}`;
  const holder = /--holder[ =]([^\s'"]+)/.exec(rebootCommand)?.[1];
  if (bySignal) {
    findings.push(warn("reboots by signal and asks no gate", `--reboot-method=command, and ${gate}`));
  } else if (!asksGate(kured)) {
    findings.push(warn("does not ask the gate: a node that was uncordoned reboots all the same", gate));
  } else if (!/^\S*sh +-c /.test(rebootCommand)) {
    // facts/kured-observed.md 2c
    findings.push(
      warn("asks the gate without a shell: kured takes && for an argument, and never reboots", gate),
    );
  } else if (holder !== undefined && holder !== username) {
    findings.push(warn(`asks the gate for locks of ${holder}, and runs as ${username}`, gate));
  }
  if (forced) {
    findings.push(
      warn(
        "forces reboots: after a failed drain the gate refuses them each time",
        "leave out --force-reboot",
      ),
    );
  }
  return findings;
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

function listed(users: readonly string[]): string {
  return users.length === 0 ? "nobody" : users.join(", ");
}
