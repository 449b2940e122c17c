/** docs/certificates.md, compared with certs/, the settings and the chart. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { issueAuthority, renewAtMillis } from "../certs/authority.ts";
import { MAX_BUNDLE } from "../certs/bundle.ts";
import { decide } from "../certs/decide.ts";
import { DEFAULT_FILE_SETTINGS } from "../certs/files.ts";
import { CONFIGURATION_LAG_MILLIS } from "../certs/health.ts";
import { DEFAULT_KEEP_SETTINGS } from "../certs/keep.ts";
import { changeFor, readSecret } from "../certs/secret.ts";
import { issueLeaf } from "../certs/leaf.ts";
import { serviceNames } from "../webhook/certificates.ts";
import { SETTINGS } from "../webhook/settings.ts";
import { codeIn, fencesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("certificates.md", import.meta.url), "utf8");
const NOW = Date.UTC(2026, 10, 21);
const DAY = 86_400_000;
const names = serviceNames({ serviceName: "nodelatch-webhook", namespace: "nodelatch-system" });

test("what is refused reads as shown", () => {
  const data = new Map([
    ["tls.crt", "x"],
    ["tls.key", "y"],
  ]);
  const empty = new Map<string, string>();
  const snapshot = {
    data,
    annotations: empty,
    labels: empty,
    resourceVersion: "1",
    uid: "u",
    type: "Opaque",
  };
  const decision = decide({
    reading: readSecret(snapshot, names, NOW),
    remembered: undefined,
    nextSettled: false,
    nowMillis: NOW,
    leafLifeMillis: DAY,
  });
  expect(decision.kind).toBe("refuse");
  expect(fencesIn(page).map(({ text }) => text)).toContain(decision.reason);
});

test("the names a certificate must have are those the webhook checks", () => {
  const must = page.slice(page.indexOf("A certificate of any mode must"), page.indexOf("Anything else is"));
  expect(codeIn(must).filter((code) => code.startsWith("nodelatch-webhook."))).toEqual(names);
});

test("cert-manager is asked for all of them", async () => {
  const file = new URL("../charts/nodelatch/templates/webhook/certificate.yaml", import.meta.url);
  const [, list = ""] = /dnsNames:\n((?: +- .*\n)+)/.exec(await readFile(file, "utf8")) ?? [];
  const rendered = list
    .replaceAll("{{ $name }}", "nodelatch-webhook")
    .replaceAll("{{ .Release.Namespace }}", "nodelatch-system");
  expect(parse(rendered)).toEqual(expect.arrayContaining([...names]));
});

test("the keys of the Secret are those that are written", () => {
  const signing = issueAuthority(NOW, DAY);
  const leaf = issueLeaf(signing, names, NOW, DAY);
  const content = { leaf, authority: { signing, retired: [] }, next: signing, answersRequest: true };
  const change = changeFor(content, NOW);
  const listed = tableWith(page, "key", "content").rows.flatMap(([key = ""]) => codeIn(key));
  expect(listed.sort()).toEqual([...change.data.keys()].sort());
  for (const [name, value] of change.annotations ?? []) {
    expect(page).toContain(value === undefined ? `${name}=leaf` : `\`${name}: ${value}\``);
  }
});

test("lives are the defaults, renewed at two thirds as said", () => {
  const [leaf, authority] = tableWith(page, "what", "life", "renewed after", "then").rows;
  const days = (millis: number): number => Math.round(millis / DAY);
  const due = (life: number): number => days(renewAtMillis(issueAuthority(NOW, life).certificate) - NOW);
  const [leafLife, caLife] = [SETTINGS.certLeafLifeMillis.fallback, SETTINGS.certCaLifeMillis.fallback];
  expect(leaf?.slice(1, 3)).toEqual([
    `\`certs.self.leafLife\`, ${days(leafLife)} days`,
    `2/3: ${due(leafLife)} days`,
  ]);
  expect(authority?.slice(1, 3)).toEqual([
    `\`certs.self.caLife\`, ${days(caLife)} days`,
    `2/3: ${due(caLife)} days`,
  ]);
  expect(page).toContain(`is renewed ${days(leafLife) - due(leafLife)} days before its end`);
});

test("waits and bounds are those of the code", () => {
  const seconds = (millis: number): string => `${millis / 1_000} s`;
  for (const { pollMillis, settleMillis, graceMillis } of [DEFAULT_KEEP_SETTINGS, DEFAULT_FILE_SETTINGS]) {
    expect([pollMillis, settleMillis, graceMillis]).toEqual([10_000, 15_000, 600_000]);
  }
  expect(page).toContain(`Every ${seconds(DEFAULT_KEEP_SETTINGS.pollMillis)} (± 10 %)`);
  expect(page.split(`for ${seconds(DEFAULT_KEEP_SETTINGS.settleMillis)}`)).toHaveLength(4);
  expect(page).toContain("goes after 10 minutes");
  expect(page).toContain(`has done so for ${seconds(CONFIGURATION_LAG_MILLIS)}`);
  expect(page).toContain(`at most ${MAX_BUNDLE} authorities`);
});
