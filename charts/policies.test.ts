/** The policies' CEL reads the record as text, so it has to be written as they expect; and they name what the code writes. */
import { expect, test } from "vitest";
import { parse } from "yaml";
import { BOOT_REPORT_KEY } from "../daemonset/cni/report/boot-report.ts";
import { AUTOSCALER_ANNOTATIONS } from "../lock/autoscalers.ts";
import { lockRecord } from "../lock/fixture.ts";
import { LAST_OVERRIDE_ANNOTATION, LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "../lock/node.ts";
import { writeRecord } from "../lock/record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../lock/requested-uncordon.ts";
import { at, chartFile } from "./chart-files.ts";

const cel = await chartFile("templates/policies/_cel.tpl");
const agent = await chartFile("templates/policies/agent.yaml");
const webhook = await chartFile("templates/policies/webhook.yaml");
const backstop = await chartFile("templates/policies/backstop.yaml");

/** Pieces of a record, as the CEL has them between single quotes. */
const pieces = (template: string): readonly string[] => [
  ...new Set([...template.matchAll(/'((?:,"|",")[^']*)'/g)].map(([, piece = ""]) => piece)),
];

const HOLDER = 'a"b\\c';
const NASTY = {
  holder: HOLDER,
  reason: ',"bootID":"","release":"reboot","holder":"bob","nodeUID":"',
  release: "reboot",
  bootID: "boot-1",
  nodeUID: "uid-1",
  expiresAt: "2026-11-21T11:00:00Z",
  autoscalers: { "karpenter.sh/do-not-disrupt": '","bootID":"","holder":"bob","nodeUID":"' },
} as const;

test("the proof of a reboot finds its fields in a record, and only there", () => {
  expect(pieces(cel)).toEqual([
    ',"release":"reboot",',
    ',"nodeUID":"',
    ',"bootID":"',
    ',"bootID":"",',
    ',"wasUnschedulable":true',
  ]);
  const text = writeRecord(lockRecord(NASTY));
  expect(text).toContain(',"release":"reboot",');
  expect(text).toContain(',"nodeUID":"uid-1",');
  expect(text).toContain(',"bootID":"boot-1",');
  expect(text).not.toContain(',"bootID":"",');
  expect(text).not.toContain(',"wasUnschedulable":true');
  expect(writeRecord(lockRecord({ ...NASTY, wasUnschedulable: true }))).toContain(',"wasUnschedulable":true');
  expect(writeRecord(lockRecord({ ...NASTY, bootID: "" }))).toContain(',"bootID":"",');
  expect(writeRecord(lockRecord({ ...NASTY, release: "explicit" }))).not.toContain(',"release":"reboot",');
});

test("the holder is found by the fields around, and nobody else", () => {
  expect(pieces(backstop)).toEqual([',"holder":"', '","nodeUID":', '","holderNode":"']);
  // As the CEL escapes it.
  const escaped = HOLDER.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const text = writeRecord(lockRecord(NASTY));
  expect(text).toContain(`,"holder":"${escaped}","nodeUID":`);
  expect(text).not.toContain(',"holder":"bob","nodeUID":');
  const onNode = writeRecord(lockRecord({ ...NASTY, holderNode: "n1" }));
  expect(onNode).toContain(`,"holder":"${escaped}","holderNode":"n1","nodeUID":`);
  expect(onNode).not.toContain(`,"holder":"${escaped}","nodeUID":`);
});

/** Annotations, as the CEL has them between single quotes. */
const keysIn = (template: string): ReadonlySet<string> =>
  new Set([...template.matchAll(/'([a-z.-]+\/[a-z-]+)'/g)].map(([, key = ""]) => key));

test("the agent may write what it writes, and remove what goes with a lock", () => {
  expect(keysIn(agent)).toEqual(
    new Set([BOOT_REPORT_KEY, LOCK_ANNOTATION, ...AUTOSCALER_ANNOTATIONS, UNCORDON_REQUESTED_ANNOTATION]),
  );
});

test("the webhook may write what it keeps on a locked node", () => {
  expect(keysIn(webhook)).toEqual(new Set([UNCORDON_REQUESTED_ANNOTATION, LOCK_ANNOTATION]));
});

test("who patches nodes is kept to what it needs, by the same condition", async () => {
  const rights = await chartFile("templates/webhook/rbac.yaml");
  const condition = '{{- if eq (include "nodelatch.keepsUncordons" .) "true" }}';
  expect(webhook.startsWith(`${condition}\n`)).toBe(true);
  const guarded = rights.split(`  ${condition}\n`)[1]?.split("{{- end }}")[0] ?? "";
  expect(guarded).toContain('resources: ["nodes"]\n    verbs: ["patch"]');
  expect(rights.replace(guarded, "")).not.toMatch(/resources: \["nodes.*\n.*(patch|update|create|delete|\*)/);
});

test.each([
  ["agent", agent],
  ["webhook", webhook],
])("the %s's policy fails closed, and its refusals are no failed `test` of a JSON patch", (_who, policy) => {
  expect(policy).toContain("failurePolicy: Fail\n");
  expect(policy).toContain('validationActions: ["Deny", "Audit"]\n');
  const own = /define "nodelatch.celOwnWrites" -}}([^]*?){{- end }}/.exec(cel)?.[1] ?? "";
  const validations = `${own}${policy.split("  validations:\n")[1]?.split("---\n")[0] ?? ""}`;
  const counted = (word: string): number => validations.split(word).length - 1;
  expect(counted("- expression:")).toBeGreaterThan(3);
  expect(counted("reason: Forbidden")).toBe(counted("- expression:"));
});

test("the backstop looks at what the guard is asked about", async () => {
  const guard = at(parse(await chartFile("registrations/guard.yaml")), "matchConditions");
  const conditions = Array.isArray(guard) ? guard : [];
  const words = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
  const [locked = "", dangerous = ""] = conditions.map((condition) =>
    words(String(at(condition, "expression"))),
  );
  expect(words(backstop)).toContain(locked);
  const harmful = words(
    /- name: dangerous\s+expression: >-([^]*?)\n {2}variables:/.exec(backstop)?.[1] ?? "",
  );
  expect(harmful).toContain("unschedulable");
  // The guard also looks at what harms nothing by itself: a reboot tool's cordon, notes on refused uncordons.
  expect(`${dangerous} ||`).toContain(`${harmful} ||`);
  for (const key of [LOCK_ANNOTATION, OVERRIDE_ANNOTATION, LAST_OVERRIDE_ANNOTATION]) {
    expect(backstop + cel).toContain(`'${key}'`);
  }
});
