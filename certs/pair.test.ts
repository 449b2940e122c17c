import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { issueAuthority } from "./authority.ts";
import { issueLeaf } from "./leaf.ts";
import { anchorOf, checkPair, type PairTexts } from "./pair.ts";
import { selfSign } from "./testing/foreign.ts";
import { writeCertificate } from "./x509.ts";

const DAY = 86_400_000;
const now = Date.UTC(2030, 0, 1);
const names = ["hook.ns.svc", "10.0.0.1"];
const authority = issueAuthority(now, 100 * DAY);
const other = issueAuthority(now, 100 * DAY);
const leaf = issueLeaf(authority, names, now, 10 * DAY);

const good: PairTexts = { certPem: leaf.certPem, keyPem: leaf.keyPem, caPem: authority.certPem };

function problemsOf(texts: Partial<PairTexts>, at = now): readonly string[] {
  const check = checkPair({ ...good, ...texts }, names, at);
  return check.kind === "bad" ? check.problems : [check.kind];
}

test("a sound pair is good, and says its end, its serial and its authority", () => {
  const check = checkPair(good, names, now);
  expect(check.kind).toBe("good");
  if (check.kind !== "good") return;
  expect(check.pair).toEqual({
    certPem: leaf.certPem,
    keyPem: leaf.keyPem,
    caPem: authority.certPem,
    notAfterMillis: now + 10 * DAY,
    serial: new X509Certificate(leaf.certPem).serialNumber,
  });
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaKeyPem = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const encryptedKeyPem = rsa.privateKey
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" })
  .toString();

test.each<[string, Partial<PairTexts>, string]>([
  [
    "a key of another pair of the same type",
    { keyPem: other.keyPem },
    "the key does not belong to the certificate",
  ],
  [
    "an RSA key with an EC certificate, which TLS servers swallow",
    { keyPem: rsaKeyPem },
    "the key does not belong to the certificate",
  ],
  ["a key cut short", { keyPem: leaf.keyPem.replace(/[A-Za-z0-9+/]{20}\n/, "\n") }, "the key can't be read"],
  ["an encrypted key", { keyPem: encryptedKeyPem }, "the key is encrypted, expected a plain one"],
  ["no key", { keyPem: "" }, "no key"],
  ["no certificate", { certPem: " " }, "no certificate"],
  ["a certificate cut short", { certPem: leaf.certPem.slice(0, 200) }, "the certificate can't be read"],
  ["the key in the certificate's place", { certPem: leaf.keyPem }, "the certificate can't be read"],
  [
    "a key after the certificate",
    { certPem: leaf.certPem + leaf.keyPem },
    "the certificate has a block of type PRIVATE KEY",
  ],
  [
    "another authority",
    { caPem: other.certPem },
    "the certificate is not signed by a valid authority in ca.crt",
  ],
  ["an empty ca.crt", { caPem: "" }, "the certificate is not signed by a valid authority in ca.crt"],
])("a pair with %s is bad", (_name, texts, problem) => {
  expect(problemsOf(texts)).toEqual([problem]);
});

test("a pair is bad from the millisecond of its end, and before its beginning", () => {
  expect(problemsOf({}, now + 10 * DAY - 1)).toEqual(["good"]);
  expect(problemsOf({}, now + 10 * DAY)).toEqual(["expired at 2030-01-11T00:00:00.000Z"]);
  expect(problemsOf({}, now - DAY)).toContain("not valid before 2029-12-31T23:00:00.000Z");
});

test("a pair whose authority is expired is bad, though its own dates are fine", () => {
  const old = issueAuthority(now - 50 * DAY, DAY);
  const pair = signedBy(old.certificate, old.privateKey, now + DAY);
  expect(problemsOf({ ...pair, caPem: old.certPem })).toEqual([
    "the certificate is not signed by a valid authority in ca.crt",
  ]);
});

test("every name that is missing is told, with those that are there", () => {
  expect(checkPair(good, [...names, "hook.other.svc", "10.0.0.2"], now)).toEqual({
    kind: "bad",
    problems: ["not valid for hook.other.svc, 10.0.0.2; it is for DNS:hook.ns.svc, IP Address:10.0.0.1"],
  });
});

test("a wildcard name covers, and the common name alone does not", () => {
  const wildcard = issueLeaf(authority, ["*.ns.svc"], now, DAY);
  expect(checkPair({ ...good, ...wildcard }, ["hook.ns.svc"], now).kind).toBe("good");
  const common = issueLeaf(authority, ["10.0.0.1"], now, DAY);
  expect(checkPair({ ...good, ...common }, ["nodelatch webhook"], now).kind).toBe("bad");
});

test("an authority serving as a server is bad for its use and its names", () => {
  const { certPem, keyPem } = authority;
  expect(problemsOf({ certPem, keyPem })).toEqual([
    "not valid for hook.ns.svc, 10.0.0.1; it is for no names at all",
  ]);
});

test("without a ca.crt to look at, the chain is not judged and the authority not known", () => {
  const check = checkPair({ ...good, caPem: undefined }, names, now);
  expect(check).toMatchObject({ kind: "good", anchor: undefined, pair: { caPem: "" } });
});

test("nothing at all is told apart from something bad", () => {
  expect(checkPair({ certPem: "\n", keyPem: undefined, caPem: undefined }, names, now)).toEqual({
    kind: "none",
  });
});

test("a forged authority of the same name and key id does not pass for the signer", () => {
  const realNow = Date.now() + 1000;
  const real = issueAuthority(realNow, DAY);
  const served = new X509Certificate(issueLeaf(real, names, realNow, DAY).certPem);
  const keyId = /Subject Key Identifier: *\n *(\S+)/.exec(opensslText(real.certPem))?.[1] ?? "";
  const forgery = selfSign({
    subject: real.certificate.subject.split("\n"),
    extensions: ["basicConstraints=critical,CA:TRUE", `subjectKeyIdentifier=${keyId}`],
    days: 1,
  });
  const forged = new X509Certificate(forgery.certPem);
  // Only the signature gives it away.
  expect(served.checkIssued(forged)).toBe(true);
  expect(anchorOf([served], [forged], realNow)).toBeUndefined();
  expect(anchorOf([served], [real.certificate], realNow)).toBe(real.certificate);
});

test("a certificate without the CA flag signs nobody, even if its key usage does not forbid it", () => {
  const realNow = Date.now() + 1000;
  const plain = selfSign({ subject: ["O=Plain"], extensions: ["basicConstraints=CA:FALSE"], days: 1 });
  const signer = new X509Certificate(plain.certPem);
  const victim = new X509Certificate(signedBy(signer, createPrivateKey(plain.keyPem), realNow + DAY).certPem);
  expect(victim.checkIssued(signer) && victim.verify(signer.publicKey)).toBe(true);
  expect(anchorOf([victim], [signer], realNow)).toBeUndefined();
});

test.each([
  ["clientAuth", ["its extended key usage does not include TLS server authentication"]],
  ["serverAuth", ["good"]],
  ["anyExtendedKeyUsage", ["good"]],
])("a certificate for the use %s is judged so", (usage, problems) => {
  const pair = selfSign({
    subject: ["O=Example"],
    extensions: [`subjectAltName=DNS:${names[0] ?? ""},IP:${names[1] ?? ""}`, `extendedKeyUsage=${usage}`],
    days: 1,
  });
  expect(problemsOf({ ...pair, caPem: pair.certPem }, Date.now() + 1000)).toEqual(problems);
});

test("a leaf may not sign: a chain over another leaf is refused", () => {
  const signer = new X509Certificate(leaf.certPem);
  const { certPem } = signedBy(signer, createPrivateKey(leaf.keyPem), now + DAY);
  expect(new X509Certificate(certPem).verify(signer.publicKey)).toBe(true);
  expect(anchorOf([new X509Certificate(certPem), signer], [authority.certificate], now)).toBeUndefined();
});

test("a chain over an intermediate ends at the root, and a missing intermediate breaks it", () => {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const intermediate = new X509Certificate(
    writeCertificate({
      commonName: "intermediate",
      publicKey: keys.publicKey,
      notBeforeMillis: now,
      notAfterMillis: now + DAY,
      role: { kind: "authority" },
      issuer: { certificate: authority.certificate, privateKey: authority.privateKey },
    }),
  );
  const end = new X509Certificate(signedBy(intermediate, keys.privateKey, now + DAY).certPem);
  expect(anchorOf([end, intermediate], [authority.certificate], now)).toBe(authority.certificate);
  expect(anchorOf([end], [authority.certificate], now)).toBeUndefined();
});

/** A server certificate by any signer, also by one that may not sign. */
function signedBy(
  certificate: X509Certificate,
  privateKey: KeyObject,
  notAfterMillis: number,
): { readonly certPem: string; readonly keyPem: string } {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certPem = writeCertificate({
    commonName: "signed",
    publicKey: keys.publicKey,
    notBeforeMillis: now - DAY,
    notAfterMillis,
    role: { kind: "server", names },
    issuer: { certificate, privateKey },
  });
  return { certPem, keyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

function opensslText(pem: string): string {
  return execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem, encoding: "utf8" });
}
