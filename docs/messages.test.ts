/** Every message that a manual shows is made here by the code that says it. */
import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { RefuseReason } from "../lock/decide.ts";
import {
  asker,
  guardSettings,
  latchSettings,
  locked,
  lockedChange,
  lockRecord,
  NOW,
  rewritten,
} from "../lock/fixture.ts";
import { refusalMessage } from "../lock/message.ts";
import { parseLockRequest } from "../lock/request.ts";
import { readConfig } from "../webhook/config.ts";
import { caller, updateOf } from "../webhook/fixture.ts";
import { createGuard, type GuardPorts } from "../webhook/guard.ts";
import { createLatch } from "../webhook/latch.ts";
import { call } from "../webhook/testing/call.ts";
import { reviewBody } from "../webhook/testing/review-body.ts";
import { startWebhook } from "../webhook/testing/webhook-server.ts";
import { codeIn, fencesIn, tableWith } from "./markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = await readFile(`${root}/docs/operations.md`, "utf8");
const old = locked(lockRecord());
const uncordoned = rewritten(old, { unschedulable: false });
const uncordon = lockedChange(old, uncordoned);

const refusals = tableWith(page, "decision", "the sentence ends with").rows.map(
  ([decision = "", sentence = ""]) => [codeIn(decision)[0] ?? "", codeIn(sentence)[0] ?? ""] as const,
);

/** What a reason has in its brackets; the others have none. */
const DETAIL: Readonly<Record<string, string>> = { "override-unanswered": "no answer before the deadline" };

test.each(refusals)("the refusal %s", (decision, sentence) => {
  const why = reasonOf(decision);
  const from = asker("bob", why === "holder-on-other-node" ? "n2" : undefined);
  const detail = DETAIL[why];
  const refused = { why, ...(detail === undefined ? {} : { detail }) };
  expect(refusalMessage(uncordon, refused, from, NOW)).toBe(
    `node n1 is locked for reboot by alice (kernel update) since 09:14Z; ${sentence}`,
  );
});

test("how a refusal begins, and that of a delete", () => {
  const expiring = locked(lockRecord({ expiresAt: "2026-11-21T11:05:00Z" }));
  const pod = locked(lockRecord({ holderNode: "n2" }));
  const unknown = locked("kernel update");
  const said = [expiring, unknown].map((node) =>
    refusalMessage(
      lockedChange(node, rewritten(node, { unschedulable: false })),
      { why: "not-holder" },
      asker("bob"),
      NOW,
    ),
  );
  const shown = fencesIn(page).find(({ text }) => text.startsWith("node n1 is locked"));
  expect(shown?.text.split("\n")).toEqual(said.map((message) => message.replace(/; .*/, "; ...")));
  const deleted = refusalMessage(lockedChange(pod, null), { why: "not-holder" }, asker("bob"), NOW);
  expect(deleted).toContain("by alice on node n2 (");
  expect(deleted).toContain("; before deleting the node, break the lock: ");
  expect(page).toContain("`before deleting the node, break the lock:` instead of `to break it:`");
});

test.each(["README.md", "docs/operations.md"])("bob's refusal as %s shows it", async (path) => {
  const message = refusalMessage(uncordon, { why: "not-holder" }, asker("bob"), NOW);
  const text = await readFile(`${root}/${path}`, "utf8");
  expect(oneSpaced(text)).toContain(path === "README.md" ? message : `uncordon by bob refused: ${message}`);
});

test("a value that the latch refuses", () => {
  const limits = { defaultTtlMillis: undefined, minTtlMillis: 60_000, maxTtlMillis: 168 * 3_600_000 };
  const parsed = parseLockRequest('{"ttl":"30d"}', limits, NOW);
  expect(page).toContain(`\n${parsed.ok ? "nothing" : parsed.problem}\n`);
  const latch = createLatch({
    settings: latchSettings({ limits }),
    guard: ports("enforce", "denied").settings,
    nowMillis: () => NOW,
    mayUncordon: () => Promise.resolve("denied"),
    onAftermath: () => undefined,
  });
  const verdict = latch(
    updateOf(
      rewritten(old, { annotations: { "nodelatch.io/reboot-lock": null } }),
      locked('{"ttl":"x"}'),
      caller("bob"),
    ),
    new AbortController().signal,
  );
  expect(verdict).toMatchObject({ code: 422, decision: "bad-value" });
});

test("a bad setting", () => {
  const read = readConfig(["--max-ttl=soon"], {});
  expect(read).toMatchObject({ kind: "bad", problems: [expect.anything()] });
  expect(page).toContain(`\`nodelatch-webhook: ${read.kind === "bad" ? read.problems[0] : ""}\``);
});

test("what is too large, too late or fails is answered as shown", async () => {
  const never = (): Promise<never> => new Promise(() => {});
  const hurried = await startWebhook(never, { limits: { requestDeadlineMillis: 150 } });
  const late = await call(hurried.port, "/guard", reviewBody());
  // Seven MiB take longer than that on a busy machine.
  const patient = await startWebhook(never, {});
  const large = await call(patient.port, "/guard", Buffer.alloc(7 * 1024 * 1024 + 1, "a"));
  for (const [answer, code] of [
    [late, 504],
    [large, 413],
  ] as const) {
    const [, message = ""] = /"message":"([^"]+)"/.exec(answer.text) ?? [];
    expect(answer.text).toContain(`"code":${code}`);
    expect(page).toContain(`code ${code}: \`${message}\``);
  }
});

test("the audit annotations are those that the webhooks set, and no other", async () => {
  const guard = (mode: "enforce" | "warn", answer: "allowed" | "denied") => createGuard(ports(mode, answer));
  const signal = new AbortController().signal;
  const override = rewritten(old, {
    annotations: { "nodelatch.io/reboot-lock": null, "nodelatch.io/override": "fire" },
  });
  const verdicts = await Promise.all([
    guard("enforce", "denied")(updateOf(old, uncordoned, caller("bob")), signal),
    guard("warn", "denied")(updateOf(old, uncordoned, caller("bob")), signal),
    guard("enforce", "allowed")(updateOf(old, override, caller("bob")), signal),
  ]);
  const { rows } = tableWith(page, "webhook", "key", "value");
  const listed = rows.filter(([webhook]) => webhook === "guard").flatMap(([, key = ""]) => codeIn(key));
  expect(new Set(listed)).toEqual(new Set(verdicts.flatMap(({ audit }) => Object.keys(audit))));
});

test("every message that the webhook logs is listed, and no other", async () => {
  const said = new Set<string>();
  for await (const path of glob(["webhook/*.ts", "certs/*.ts", "program/*.ts"], { cwd: root })) {
    if (path.endsWith(".test.ts")) continue;
    const source = await readFile(`${root}/${path}`, "utf8");
    for (const [, message = ""] of source.matchAll(
      /\blog\.(?:fatal|error|warn|info|debug)\([^;]*?"([^"]+)",?\s*\)+;?$/gm,
    )) {
      said.add(message);
    }
  }
  expect(said.size).toBeGreaterThan(20);
  const { rows } = tableWith(page, "message", "level", "meaning");
  const listed = ["admission", ...rows.flatMap(([message = ""]) => codeIn(message))];
  expect(listed.sort()).toEqual([...said].sort());
});

function ports(mode: "enforce" | "warn", answer: "allowed" | "denied"): GuardPorts {
  return {
    settings: guardSettings({ mode }),
    nowMillis: () => NOW,
    mayOverride: () => Promise.resolve({ kind: answer, reason: "" }),
    onRefusedUncordon: () => {},
    onRequestedUncordon: () => undefined,
    onOverride: () => {},
  };
}

const REASONS = refusals.map(([decision]) => decision);

/** metrics.test.ts proves that the table holds exactly the reasons of the type. */
function isReason(text: string): text is RefuseReason {
  return REASONS.includes(text);
}

function reasonOf(text: string): RefuseReason {
  if (!isReason(text)) throw new Error(`${text}: no such reason`);
  return text;
}

function oneSpaced(text: string): string {
  return text.replace(/\s+/g, " ");
}
