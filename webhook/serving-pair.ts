/** The serving certificate and its key: checked before they are used, because TLS itself does not. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";

/** PEM. `certificate` may go on with intermediates after the leaf. */
export interface ServingPair {
  readonly certificate: string;
  readonly key: string;
}

export type CheckedPair =
  | { readonly ok: true; readonly context: SecureContextOptions; readonly expiresAtMillis: number }
  | { readonly ok: false; readonly problem: string; readonly cause?: unknown };

/**
 * TLS 1.2 with forward secrecy or 1.3. Go's default client, and so every supported API server, speaks both.
 * Names of TLS 1.3 suites come first; OpenSSL tells them apart.
 */
const TLS = {
  minVersion: "TLSv1.2",
  honorCipherOrder: true,
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
} as const satisfies SecureContextOptions;

/**
 * Checks that the key belongs to the certificate and that TLS takes both.
 * OpenSSL accepts an RSA key beside an EC certificate and then fails every handshake (facts/style.md 0.5).
 * Dates are left to whoever keeps the pair: serving an expired certificate beats serving none.
 */
export function checkPair(pair: ServingPair): CheckedPair {
  try {
    const leaf = new X509Certificate(pair.certificate);
    if (!leaf.checkPrivateKey(createPrivateKey(pair.key))) {
      return {
        ok: false,
        problem: `serving certificate ${leaf.serialNumber}: the key is another certificate's`,
      };
    }
    const context = { ...TLS, cert: pair.certificate, key: pair.key };
    createSecureContext(context);
    return { ok: true, context, expiresAtMillis: leaf.validToDate.getTime() };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { ok: false, problem: `serving certificate or key can't be read: ${why}`, cause };
  }
}
