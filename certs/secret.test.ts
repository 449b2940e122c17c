import { expect, test } from "vitest";
import type { SecretSnapshot } from "../kube/secrets.ts";
import { issueAuthority } from "./authority.ts";
import { issueLeaf } from "./leaf.ts";
import { pemOf } from "./pem.ts";
import { issueForeign } from "./testing/foreign.ts";
import { changeFor, readSecret, type SecretContent, type SecretReading } from "./secret.ts";

const DAY = 86_400_000;
const now = Date.now() + 1000;
const names = ["hook.ns.svc"];
const signing = issueAuthority(now, 100 * DAY);
const retired = issueAuthority(now - 10 * DAY, 100 * DAY);
const next = issueAuthority(now + 1000, 100 * DAY);
const leaf = issueLeaf(signing, names, now, DAY);

const whole: SecretContent = {
  leaf,
  authority: { signing, retired: [retired.certificate, signing.certificate] },
  next,
  answersRequest: false,
};

function snapshot(
  data: Readonly<Record<string, string | undefined>>,
  annotations: Readonly<Record<string, string>> = {},
): SecretSnapshot {
  const present = Object.entries(data).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    data: new Map(present),
    annotations: new Map(Object.entries(annotations)),
    labels: new Map(),
    resourceVersion: "1",
    uid: "u",
    type: "Opaque",
  };
}

const written = Object.fromEntries(changeFor(whole, now).data);

function read(data: Readonly<Record<string, string | undefined>>, annotations = {}): SecretReading {
  return readSecret(snapshot(data, annotations), names, now);
}

test("what is written reads back: pair, signing and next authority, and all that should be trusted", () => {
  const reading = read(written);
  expect(reading.pair).toMatchObject({ kind: "good", pair: { certPem: leaf.certPem, keyPem: leaf.keyPem } });
  expect(reading.authority).toMatchObject({ kind: "good", authority: { certPem: signing.certPem } });
  expect(reading.next).toMatchObject({ kind: "good", authority: { certPem: next.certPem } });
  expect(pemOf(reading.trusted)).toBe(pemOf([next, signing, retired].map(({ certificate }) => certificate)));
});

test("the Secret has the keys that others know, and next-ca.* only during a change", () => {
  expect(Object.keys(written).sort()).toEqual(
    ["ca.crt", "ca.key", "next-ca.crt", "next-ca.key", "tls.crt", "tls.key"].sort(),
  );
  expect(Object.fromEntries(changeFor({ next: null, answersRequest: false }, now).data)).toEqual({
    "next-ca.crt": undefined,
    "next-ca.key": undefined,
  });
});

test("the signing authority stands first in ca.crt, even if a retired one looks newer", () => {
  const content = { authority: { signing: retired, retired: [signing.certificate] }, answersRequest: false };
  expect(changeFor(content, now).data.get("ca.crt")).toBe(retired.certPem + signing.certPem);
});

test("an expired retired authority is not written again", () => {
  const old = issueAuthority(now - 10 * DAY, 5 * DAY);
  const content = { authority: { signing, retired: [old.certificate] }, answersRequest: false };
  expect(changeFor(content, now).data.get("ca.crt")).toBe(signing.certPem);
});

test("each write marks the Secret as ours, and takes a person's request away when it was carried out", () => {
  expect(changeFor({ answersRequest: false }, now).annotations).toEqual(
    new Map([["nodelatch.io/certificates", "managed"]]),
  );
  expect(changeFor({ answersRequest: true }, now).annotations).toEqual(
    new Map([
      ["nodelatch.io/certificates", "managed"],
      ["nodelatch.io/renew", undefined],
    ]),
  );
});

const managed = { "nodelatch.io/certificates": "managed" };
const foreign = issueForeign(names, 2);
const theirs = { "tls.crt": foreign.certPem, "tls.key": foreign.keyPem, "ca.crt": foreign.certPem };

test.each<[string, Record<string, string | undefined>, Record<string, string>, "ours" | "foreign"]>([
  ["an empty one, as the chart makes it without annotation", {}, {}, "ours"],
  ["one with blank values", { "tls.crt": "", "tls.key": "\n" }, {}, "ours"],
  ["one with other people's keys only", { config: "x" }, {}, "ours"],
  ["an annotated one full of garbage", { "tls.crt": "x", "ca.key": "y" }, managed, "ours"],
  ["an annotated one with someone else's pair", theirs, managed, "ours"],
  ["one with our certificates whose annotation was lost", written, {}, "ours"],
  ["one where only our leaf is left", { "tls.crt": leaf.certPem }, {}, "ours"],
  ["one with someone else's pair", theirs, {}, "foreign"],
  ["one with garbage and no annotation", { "tls.crt": "x" }, {}, "foreign"],
  [
    "an empty one that cert-manager is about to fill",
    {},
    { "cert-manager.io/certificate-name": "c" },
    "foreign",
  ],
  [
    "ours, taken over by cert-manager",
    written,
    { ...managed, "cert-manager.io/issuer-name": "i" },
    "foreign",
  ],
  ["one annotated with another word", theirs, { "nodelatch.io/certificates": "external" }, "foreign"],
])("a Secret is told to be ours or not: %s", (_name, data, annotations, kind) => {
  expect(read(data, annotations).owner.kind).toBe(kind);
});

test("a foreign pair without ca.crt can be served, one of ours without ca.crt can't", () => {
  const { "ca.crt": _left, ...withoutAuthority } = theirs;
  expect(read(withoutAuthority).pair.kind).toBe("good");
  expect(read(withoutAuthority, managed).pair.kind).toBe("bad");
});

test("a foreign pair need only have the name that API servers ask for, one of ours has all", () => {
  const both = [...names, "hook.ns.svc.cluster.local"];
  expect(readSecret(snapshot(theirs, {}), both, now).pair.kind).toBe("good");
  expect(readSecret(snapshot(theirs, {}), both.toReversed(), now).pair.kind).toBe("bad");
  expect(readSecret(snapshot(written, managed), both, now).pair.kind).toBe("bad");
});

test.each<[string, SecretReading["asked"]]>([
  ["leaf", "leaf"],
  ["all", "all"],
  ["ALL", undefined],
  ["", undefined],
])("the annotation nodelatch.io/renew: %j asks for %s", (value, asked) => {
  expect(read({}, { "nodelatch.io/renew": value }).asked).toBe(asked);
});

test("a next authority that can't sign is not trusted", () => {
  const reading = read({ ...written, "next-ca.key": signing.keyPem });
  expect(reading.next.kind).toBe("bad");
  expect(reading.trusted).toHaveLength(2);
});
