/** Certificates in PEM text, with what is not one told apart. */
import { X509Certificate } from "node:crypto";

export interface CertificatesFound {
  readonly certificates: readonly X509Certificate[];
  /** What else is in the text, in words; never its content, which may be a key in the wrong place. */
  readonly garbage: readonly string[];
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** All certificates in the text, in its order. Comments between blocks are garbage too: nobody writes them here. */
export function certificatesIn(pem: string): CertificatesFound {
  const certificates: X509Certificate[] = [];
  const garbage: string[] = [];
  for (const [text, label] of pem.matchAll(block)) {
    if (label !== "CERTIFICATE") {
      garbage.push(`a block of type ${label ?? ""}`);
      continue;
    }
    try {
      certificates.push(new X509Certificate(text));
    } catch {
      garbage.push("a CERTIFICATE block that can't be read");
    }
  }
  const rest = pem.replaceAll(block, "").trim();
  if (rest !== "") garbage.push(`${rest.length} characters outside of any PEM block`);
  return { certificates, garbage };
}

/** PEM text of the certificates, one after the other. */
export function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join("");
}
