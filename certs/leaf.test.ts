import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BACKDATE_MILLIS, checkAuthority, issueAuthority, renewAtMillis } from "./authority.ts";
import { issueLeaf } from "./leaf.ts";
import { writeCertificate } from "./x509.ts";

const DAY = 86_400_000;
const names = [
  "nodelatch-webhook.nodelatch-system.svc",
  "nodelatch-webhook.nodelatch-system",
  "127.0.0.1",
  "fd00::1:2",
];
const directory = mkdtempSync(join(tmpdir(), "nodelatch-leaf-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** `openssl verify` as a TLS client would: right purpose, right name. Exit code and what it said. */
function opensslVerify(
  caPem: string,
  leafPem: string,
  hostname = names[0] ?? "",
): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(
    "openssl",
    [
      "verify",
      "-x509_strict",
      "-purpose",
      "sslserver",
      "-verify_hostname",
      hostname,
      "-CAfile",
      file("ca.pem", caPem),
      file("leaf.pem", leafPem),
    ],
    { encoding: "utf8" },
  );
  return { code: status, said: stdout + stderr };
}

function opensslText(pem: string): string {
  return execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem, encoding: "utf8" });
}

test("openssl accepts the leaf as a TLS server of its name, strictly read", () => {
  const authority = issueAuthority(Date.now(), 365 * DAY);
  const leaf = issueLeaf(authority, names, Date.now(), 30 * DAY);
  expect(opensslVerify(authority.certPem, leaf.certPem)).toEqual({
    code: 0,
    said: `${directory}/leaf.pem: OK\n`,
  });
});

test("openssl refuses the leaf under another authority, for another name, and the authority as a server", () => {
  const authority = issueAuthority(Date.now(), 365 * DAY);
  const other = issueAuthority(Date.now(), 365 * DAY);
  const leaf = issueLeaf(authority, names, Date.now(), 30 * DAY);
  expect(opensslVerify(other.certPem, leaf.certPem).code).not.toBe(0);
  expect(opensslVerify(authority.certPem, leaf.certPem, "kubernetes.default.svc").code).not.toBe(0);
});

test("openssl picks the right authority out of a bundle of two", () => {
  const authorities = [issueAuthority(Date.now(), 365 * DAY), issueAuthority(Date.now(), 365 * DAY)];
  const bundle = authorities.map(({ certPem }) => certPem).join("");
  for (const authority of authorities) {
    expect(opensslVerify(bundle, issueLeaf(authority, names, Date.now(), DAY).certPem).code).toBe(0);
  }
});

test("openssl reads the extensions that a verifier looks for in the leaf", () => {
  const authority = issueAuthority(Date.now(), 365 * DAY);
  const text = opensslText(issueLeaf(authority, names, Date.now(), 30 * DAY).certPem);
  const caKeyId =
    /X509v3 Subject Key Identifier: *\n *(\S+)/.exec(opensslText(authority.certPem))?.[1] ?? "none";
  expect(text).toMatch(/X509v3 Extended Key Usage: *\n *TLS Web Server Authentication/);
  expect(text).toMatch(/X509v3 Key Usage: critical\n *Digital Signature\n/);
  expect(text).toMatch(/X509v3 Basic Constraints: critical\n *CA:FALSE/);
  expect(text).toMatch(/X509v3 Subject Key Identifier: *\n *([0-9A-F]{2}:){19}[0-9A-F]{2}/);
  expect(text).toMatch(new RegExp(`X509v3 Authority Key Identifier: *\\n *(keyid:)?${caKeyId}`));
  expect(text).toContain(
    "DNS:nodelatch-webhook.nodelatch-system.svc, DNS:nodelatch-webhook.nodelatch-system, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:1:2",
  );
  expect(text).toContain("ecdsa-with-SHA256");
});

test("openssl reads the authority as one that may sign servers and no further authorities", () => {
  const text = opensslText(issueAuthority(Date.now(), 365 * DAY).certPem);
  expect(text).toMatch(/X509v3 Basic Constraints: critical\n *CA:TRUE, pathlen:0/);
  expect(text).toMatch(/X509v3 Key Usage: critical\n *Certificate Sign, CRL Sign/);
  expect(text).toMatch(/Subject: O = nodelatch.io, CN = nodelatch webhook CA \d{4}-/);
});

test("serials are random: 2000 issued at the same millisecond all differ, and each is positive", () => {
  const authority = issueAuthority(1_700_000_000_000, DAY);
  const serials = Array.from({ length: 2000 }, () => {
    return new X509Certificate(issueLeaf(authority, names, 1_700_000_000_000, DAY).certPem).serialNumber;
  });
  expect(new Set(serials).size).toBe(2000);
  expect(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial))).toBe(true);
});

test("certificates are valid from an hour before they were made, for clocks that are behind", () => {
  const now = Date.UTC(2030, 1, 1, 12, 0, 0);
  const authority = issueAuthority(now, 365 * DAY);
  const leaf = new X509Certificate(issueLeaf(authority, names, now, 30 * DAY).certPem);
  for (const certificate of [authority.certificate, leaf]) {
    expect(certificate.validFromDate.getTime()).toBe(now - BACKDATE_MILLIS);
  }
  expect(leaf.validToDate.getTime()).toBe(now + 30 * DAY);
});

test("a leaf never outlives its authority", () => {
  const now = Date.UTC(2030, 1, 1);
  const authority = issueAuthority(now, 10 * DAY);
  const leaf = new X509Certificate(issueLeaf(authority, names, now, 30 * DAY).certPem);
  expect(leaf.validToDate.getTime()).toBe(now + 10 * DAY);
});

test("dates from 2050 on are written so that others read them", () => {
  const now = Date.UTC(2049, 11, 31);
  const authority = issueAuthority(now, 3650 * DAY);
  expect(opensslText(authority.certPem)).toMatch(/Not After : Dec 29 00:00:00 2059 GMT/);
  expect(authority.certificate.validToDate.getUTCFullYear()).toBe(2059);
});

test("renewal is due at two thirds of the life counted from the making, also for lives of seconds", () => {
  const now = Date.UTC(2030, 1, 1);
  expect(renewAtMillis(issueAuthority(now, 300 * DAY).certificate)).toBe(now + 200 * DAY);
  expect(renewAtMillis(issueAuthority(now, 30_000).certificate)).toBe(now + 20_000);
});

test("an authority with an RSA key that a person brought signs leaves that openssl accepts", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const now = Date.now();
  const certPem = writeCertificate({
    commonName: "Brought by hand",
    publicKey,
    notBeforeMillis: now - 1000,
    notAfterMillis: now + DAY,
    role: { kind: "authority" },
    issuer: { privateKey },
  });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const check = checkAuthority(certPem, keyPem, now);
  expect(check.kind).toBe("good");
  if (check.kind !== "good") return;
  expect(opensslVerify(certPem, issueLeaf(check.authority, names, now, DAY).certPem).code).toBe(0);
});

test("an authority that openssl made, with its own subject form and key id, signs leaves that openssl accepts", () => {
  const keyFile = join(directory, "brought.key");
  const certFile = join(directory, "brought.crt");
  const config = file(
    "brought.cnf",
    "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nC=DE\nO=Example\nCN=Brought\n" +
      "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=01:02:03:04\n",
  );
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
  execFileSync("openssl", ["req", "-x509", "-days", "3", "-config", config, ...key, "-out", certFile], {
    stdio: "ignore",
  });
  const certPem = readFileSync(certFile, "utf8");
  const check = checkAuthority(certPem, readFileSync(keyFile, "utf8"), Date.now());
  expect(check.kind).toBe("good");
  if (check.kind !== "good") return;
  const leaf = issueLeaf(check.authority, names, Date.now(), DAY);
  expect(opensslVerify(certPem, leaf.certPem)).toEqual({ code: 0, said: `${directory}/leaf.pem: OK\n` });
  expect(opensslText(leaf.certPem)).toMatch(/X509v3 Authority Key Identifier: *\n *(keyid:)?01:02:03:04/);
});

test("a leaf without names is not issued", () => {
  expect(() => issueLeaf(issueAuthority(Date.now(), DAY), [], Date.now(), DAY)).toThrow(/names/);
});

test.each([
  ["nothing at all", undefined, undefined, { kind: "none" }],
  ["blank values, as a chart makes them", "", "\n", { kind: "none" }],
  [
    "a key without certificate",
    undefined,
    "key",
    { kind: "bad", problem: "there is a key but no certificate" },
  ],
  ["a certificate without key", "cert", "", { kind: "bad", problem: "there is a certificate but no key" }],
  ["a certificate that is none", "cert", "key", { kind: "bad", problem: "the certificate can't be read" }],
])("an authority read from %s is told apart", (_name, certPem, keyPem, expected) => {
  expect(checkAuthority(certPem, keyPem, Date.now())).toEqual(expected);
});

test("an authority that can't sign now says why, and never shows its key", () => {
  const now = Date.UTC(2030, 1, 1);
  const { certPem, keyPem } = issueAuthority(now, DAY);
  const other = issueAuthority(now, DAY);
  const leaf = issueLeaf(other, names, now, DAY);
  const ed25519 = generateKeyPairSync("ed25519")
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  const cut = keyPem.replace(/[A-Za-z0-9+/]{20}\n/, "\n");
  const problems = [
    checkAuthority(certPem, cut, now),
    checkAuthority(certPem, other.keyPem, now),
    checkAuthority(leaf.certPem, leaf.keyPem, now),
    checkAuthority(certPem, keyPem, now + DAY),
    checkAuthority(certPem, keyPem, now - 2 * BACKDATE_MILLIS),
    checkAuthority(certPem, ed25519, now),
  ].map((check) => (check.kind === "bad" ? check.problem : check.kind));
  expect(problems).toEqual([
    "the key can't be read",
    "the key does not belong to the certificate",
    "the certificate is not that of an authority (CA:FALSE)",
    "expired at 2030-02-02T00:00:00.000Z",
    "not valid before 2030-01-31T23:00:00.000Z",
    "a key of type ed25519 can't sign here",
  ]);
  expect(problems.join()).not.toContain(keyPem.split("\n")[1]);
});

test("issuing an authority and a leaf holds up the event loop for less than 16 ms", () => {
  // It takes 0.7 ms; the two signatures alone would be 32 ms with forge's RSA. The best of several tries counts,
  // because the machine may be busy.
  const tries = Array.from({ length: 5 }, () => {
    const start = performance.now();
    issueLeaf(issueAuthority(Date.now(), DAY), names, Date.now(), DAY);
    return performance.now() - start;
  });
  expect(Math.min(...tries)).toBeLessThan(16);
});

test("the key is a P-256 key that node can load again", () => {
  const leaf = issueLeaf(issueAuthority(Date.now(), DAY), names, Date.now(), DAY);
  expect(createPrivateKey(leaf.keyPem).asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
});
