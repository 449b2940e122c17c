/**
 * Writes X.509 certificates (RFC 5280). node-forge encodes the DER; keys and signatures are node:crypto's, because
 * forge has no ECDSA and its RSA runs in JavaScript on the event loop (16 ms a signature, facts/style.md 5).
 */
import { createHash, randomBytes, sign, type KeyObject, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  boolean,
  bytesOf,
  context,
  fromDer,
  integer,
  isContext,
  nothing,
  objectId,
  octets,
  oidOf,
  partsOf,
  sequence,
  set,
  time,
  toDer,
  utf8,
  type Asn1,
} from "./der.ts";

/** Organization in every name we issue; by it our own authorities are known again. */
export const ORGANIZATION = "nodelatch.io";

const oid = {
  commonName: "2.5.4.3",
  organizationName: "2.5.4.10",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  subjectAltName: "2.5.29.17",
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  sha256WithRsa: "1.2.840.113549.1.1.11",
} as const;

export interface CertificateRequest {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly notBeforeMillis: number;
  readonly notAfterMillis: number;
  readonly role:
    { readonly kind: "authority" } | { readonly kind: "server"; readonly names: readonly string[] };
  /** Without a certificate the new one signs itself. */
  readonly issuer: { readonly certificate?: X509Certificate; readonly privateKey: KeyObject };
}

/**
 * A certificate as PEM text. Times are cut to whole seconds. The serial has 126 random bits.
 * @throws TypeError if the issuer's key is neither EC nor RSA.
 */
export function writeCertificate(request: CertificateRequest): string {
  const { certificate: issuer, privateKey } = request.issuer;
  const algorithm = signatureAlgorithm(privateKey);
  const subject = nameOf(request.commonName);
  const tbs = sequence([
    context(0, [integer(Buffer.from([2]))]),
    integer(randomSerial()),
    algorithm,
    // The issuer's bytes as they are: verifiers compare names byte by byte.
    issuer === undefined ? subject : subjectOf(issuer),
    sequence([time(request.notBeforeMillis), time(request.notAfterMillis)]),
    subject,
    fromDer(spkiOf(request.publicKey)),
    context(3, [sequence(extensionsOf(request))]),
  ]);
  const signature = sign("sha256", toDer(tbs), privateKey);
  return pem(toDer(sequence([tbs, algorithm, bitString(signature, 0)])));
}

function extensionsOf(request: CertificateRequest): readonly Asn1[] {
  const ownId = keyIdOf(request.publicKey);
  const { certificate: issuer } = request.issuer;
  const issuerId = issuer === undefined ? ownId : (statedKeyIdOf(issuer) ?? keyIdOf(issuer.publicKey));
  const identifiers = [
    extension(oid.subjectKeyIdentifier, false, octets(ownId)),
    extension(oid.authorityKeyIdentifier, false, sequence([context(0, issuerId)])),
  ];
  const { role } = request;
  switch (role.kind) {
    case "authority":
      return [
        // pathLenConstraint 0: it signs servers, never further authorities.
        extension(oid.basicConstraints, true, sequence([boolean(true), integer(Buffer.from([0]))])),
        // keyCertSign, cRLSign
        extension(oid.keyUsage, true, bitString(Buffer.from([0x06]), 1)),
        ...identifiers,
      ];
    case "server":
      return [
        extension(oid.basicConstraints, true, sequence([])),
        // digitalSignature: all that TLS 1.3 and ECDHE suites need
        extension(oid.keyUsage, true, bitString(Buffer.from([0x80]), 7)),
        extension(oid.extendedKeyUsage, false, sequence([objectId(oid.serverAuth)])),
        extension(oid.subjectAltName, false, sequence(role.names.map(alternativeName))),
        ...identifiers,
      ];
  }
}

function extension(id: string, critical: boolean, value: Asn1): Asn1 {
  return sequence([objectId(id), ...(critical ? [boolean(true)] : []), octets(toDer(value))]);
}

function alternativeName(name: string): Asn1 {
  return isIP(name) === 0 ? context(2, Buffer.from(name, "ascii")) : context(7, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes any IPv6 address as hex groups with at most one "::".
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const all = [...before, ...zeros, ...after].map((group) => group.padStart(4, "0"));
  return Buffer.from(all.join(""), "hex");
}

function signatureAlgorithm(key: KeyObject): Asn1 {
  // RFC 5758 3.2: no parameters at all. RFC 4055 5: parameters are NULL.
  if (key.asymmetricKeyType === "ec") return sequence([objectId(oid.ecdsaWithSha256)]);
  if (key.asymmetricKeyType === "rsa") return sequence([objectId(oid.sha256WithRsa), nothing()]);
  throw new TypeError(`a key of type ${key.asymmetricKeyType ?? "unknown"} can't sign here: use EC or RSA`);
}

function nameOf(commonName: string): Asn1 {
  return sequence([
    set([sequence([objectId(oid.organizationName), utf8(ORGANIZATION)])]),
    set([sequence([objectId(oid.commonName), utf8(commonName)])]),
  ]);
}

/** SHA-1 of the key's bits (RFC 5280 4.2.1.2, method 1): a name for the key, not a protection. */
function keyIdOf(publicKey: KeyObject): Buffer {
  const bits = bytesOf(partsOf(fromDer(spkiOf(publicKey)))[1]);
  // The first byte counts unused bits.
  return createHash("sha1").update(bits.subarray(1)).digest();
}

/** The certificate's own subjectKeyIdentifier; an authority brought by a person may have made it in another way. */
function statedKeyIdOf(certificate: X509Certificate): Buffer | undefined {
  const extensions = partsOf(partsOf(tbsOf(certificate).find((part) => isContext(part, 3)))[0]);
  const found = extensions.find((part) => oidOf(partsOf(part)[0]) === oid.subjectKeyIdentifier);
  return found === undefined ? undefined : bytesOf(fromDer(bytesOf(partsOf(found).at(-1))));
}

function subjectOf(certificate: X509Certificate): Asn1 {
  const tbs = tbsOf(certificate);
  // The version is there in every certificate since 1996 (v3), but the field is optional.
  const subject = tbs[isContext(tbs[0], 0) ? 5 : 4];
  if (subject === undefined) throw new TypeError("the issuer's certificate has no subject");
  return subject;
}

function tbsOf(certificate: X509Certificate): readonly Asn1[] {
  return partsOf(partsOf(fromDer(certificate.raw))[0]);
}

function randomSerial(): Buffer {
  const serial = randomBytes(16);
  // Positive and without a leading zero byte, whatever the random bits are (RFC 5280 4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
