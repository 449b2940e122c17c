import { expect, test } from "vitest";
import { checkPair } from "./serving-pair.ts";
import { makeEcKey, makePair } from "./testing/pair.ts";

const pair = makePair("one");
const other = makePair("other");

test("takes a certificate with its own key, and says when it ends", () => {
  const checked = checkPair(pair);
  expect(checked).toMatchObject({ ok: true });
  const hours = checked.ok ? (checked.expiresAtMillis - Date.now()) / 3_600_000 : 0;
  expect(hours).toBeGreaterThan(23);
  expect(hours).toBeLessThan(25);
});

test("takes a leaf that is followed by another certificate", () => {
  expect(checkPair({ ...pair, certificate: pair.certificate + other.certificate })).toMatchObject({
    ok: true,
  });
});

test.each([
  ["another certificate's key of the same type", { ...pair, key: other.key }, "another certificate's"],
  ["a key of another type, which OpenSSL would take", { ...pair, key: makeEcKey() }, "another certificate's"],
  [
    "a key that is none",
    { ...pair, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
    "can't be read",
  ],
  ["an empty key", { ...pair, key: "" }, "can't be read"],
  ["an empty certificate", { ...pair, certificate: "" }, "can't be read"],
  [
    "a certificate that is cut off",
    { ...pair, certificate: pair.certificate.slice(0, 400) },
    "can't be read",
  ],
  [
    "a chain whose second certificate is broken",
    {
      ...pair,
      certificate: `${pair.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    },
    "can't be read",
  ],
])("refuses %s and says why", (_name, broken, problem) => {
  const checked = checkPair(broken);
  expect(checked.ok ? "" : checked.problem).toContain(problem);
  expect(JSON.stringify(checked)).not.toContain("BEGIN PRIVATE KEY");
});
