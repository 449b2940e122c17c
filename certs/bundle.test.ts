import { expect, test } from "vitest";
import { issueAuthority } from "./authority.ts";
import { makeBundle, MAX_BUNDLE, readBundle } from "./bundle.ts";
import { planCaBundles, type CaBundlePlan, type ReadEntry } from "./ca-bundle-plan.ts";
import { issueLeaf } from "./leaf.ts";
import { pemOf } from "./pem.ts";
import { X509Certificate } from "node:crypto";

const DAY = 86_400_000;
const now = Date.UTC(2030, 0, 1);
const older = issueAuthority(now - 10 * DAY, 100 * DAY);
const newer = issueAuthority(now - DAY, 100 * DAY);
const expired = issueAuthority(now - 10 * DAY, 10 * DAY);
const stranger = issueAuthority(now, 100 * DAY);
const leaf = new X509Certificate(issueLeaf(newer, ["hook.ns.svc"], now, DAY).certPem);
const key = newer.keyPem;

test("a bundle has the newest authority first, each once, and neither expired ones nor leaves", () => {
  const certificates = [older, expired, newer, older].map(({ certificate }) => certificate);
  expect(makeBundle([leaf, ...certificates], now)).toEqual([newer.certificate, older.certificate]);
});

test("an authority leaves the bundle at the millisecond of its end", () => {
  expect(makeBundle([expired.certificate], now - 1)).toEqual([expired.certificate]);
  expect(makeBundle([expired.certificate], now)).toEqual([]);
});

test("a bundle stays small: the oldest go when there are too many", () => {
  const many = Array.from({ length: MAX_BUNDLE + 3 }, (_, index) =>
    issueAuthority(now - index * DAY, 100 * DAY),
  );
  const certificates = many.map(({ certificate }) => certificate);
  expect(makeBundle(certificates.toReversed(), now)).toEqual(certificates.slice(0, MAX_BUNDLE));
});

test("what does not belong into a caBundle is told in words, never shown", () => {
  const text = ["hello", older.certPem, older.certPem, expired.certPem, leaf.toString(), key].join("\n");
  const reading = readBundle(`${text}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, now);
  expect(reading.trusted.map(({ fingerprint256 }) => fingerprint256)).toEqual([
    older.certificate.fingerprint256,
  ]);
  expect(reading.dirt).toEqual([
    "a block of type PRIVATE KEY",
    "a CERTIFICATE block that can't be read",
    "5 characters outside of any PEM block",
    `${older.certificate.subject.replaceAll("\n", ", ")} twice`,
    `${expired.certificate.subject.replaceAll("\n", ", ")}, which is expired`,
    "O=nodelatch.io, CN=hook.ns.svc, which is no authority",
  ]);
  expect(reading.dirt.join()).not.toContain(key.split("\n")[1]);
});

function entry(name: string, ...authorities: readonly { readonly certPem: string }[]): ReadEntry {
  const caBundle = authorities.map(({ certPem }) => certPem).join("");
  return { name, caBundle, reading: readBundle(caBundle, now) };
}

function plan(entries: readonly ReadEntry[], mayStay = true): CaBundlePlan {
  return planCaBundles({
    entries,
    wanted: [newer.certificate, older.certificate],
    mayStay: () => mayStay,
    nowMillis: now,
  });
}

function setTo(planned: CaBundlePlan): readonly string[] {
  return planned.kind === "set" ? planned.certificates.map(({ fingerprint256 }) => fingerprint256) : ["keep"];
}

const bothPrints = [newer, older].map(({ certificate }) => certificate.fingerprint256);

test.each<[string, ReadEntry, string]>([
  ["an empty one", entry("a"), "a had an empty caBundle"],
  ["the placeholder that charts use", { ...entry("a"), caBundle: "\n" }, "a had an empty caBundle"],
  ["one that lacks an authority", entry("a", newer), "a lacked an authority"],
  ["one with an expired authority", entry("a", newer, older, expired), "which is expired"],
  ["one with an authority twice", entry("a", newer, older, newer), "twice"],
  ["garbage", { ...entry("a"), caBundle: "x", reading: readBundle("x", now) }, "1 characters outside"],
])("a configuration with two entries of which one is %s gets both set", (_name, bad, reason) => {
  const planned = plan([entry("b", newer, older), bad], false);
  expect(setTo(planned)).toEqual(bothPrints);
  expect(planned.kind === "set" ? planned.reasons : []).toEqual([expect.stringContaining(reason)]);
});

test("a caBundle that has all, in whatever order, is left alone", () => {
  expect(plan([entry("a", newer, older), entry("b", older, newer)])).toEqual({ kind: "keep" });
});

test("an authority of others stays while it may, is spread to all entries, and goes after that", () => {
  expect(plan([entry("a", newer, older, stranger)])).toEqual({ kind: "keep" });
  expect(setTo(plan([entry("a", newer, stranger)]))).toEqual([
    stranger.certificate.fingerprint256,
    ...bothPrints,
  ]);
  expect(setTo(plan([entry("a", newer, older, stranger), entry("b", newer, older)]))).toContain(
    stranger.certificate.fingerprint256,
  );
  expect(setTo(plan([entry("a", newer, older, stranger)], false))).toEqual(bothPrints);
});

test("a flood of newer strangers never pushes out what must be there", () => {
  const flood = Array.from({ length: MAX_BUNDLE + 4 }, () => issueAuthority(now, DAY));
  const prints = setTo(plan([entry("a", ...flood)]));
  expect(prints).toHaveLength(MAX_BUNDLE);
  expect(prints).toEqual(expect.arrayContaining(bothPrints));
});

test("what is written reads back as what was meant", () => {
  const planned = plan([entry("a")]);
  const text = planned.kind === "set" ? pemOf(planned.certificates) : "";
  expect(readBundle(text, now).dirt).toEqual([]);
  expect(plan([{ name: "a", caBundle: text, reading: readBundle(text, now) }])).toEqual({ kind: "keep" });
});
