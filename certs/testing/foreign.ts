/** Certificates by another issuer: made with openssl, so that nothing of ours is in them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ForeignPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface ForeignRequest {
  /** In order, as `O=Example`. */
  readonly subject: readonly string[];
  /** Lines of openssl's x509v3_config. */
  readonly extensions: readonly string[];
  readonly days: number;
}

/** Self-signed ECDSA P-256, valid from now for whole days. */
export function selfSign({ subject, extensions, days }: ForeignRequest): ForeignPair {
  const directory = mkdtempSync(join(tmpdir(), "nodelatch-foreign-"));
  try {
    const [config, key, cert] = ["config", "key", "cert"].map((name) => join(directory, name));
    if (config === undefined || key === undefined || cert === undefined) throw new Error("no file names");
    const lines = ["[req]", "distinguished_name=dn", "x509_extensions=x", "prompt=no", "[dn]", ...subject];
    writeFileSync(config, [...lines, "[x]", ...extensions, ""].join("\n"));
    const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-config", config, "-keyout", key, "-out", cert];
    execFileSync("openssl", [...kind, "-utf8", "-days", `${days}`, ...files], { stdio: "ignore" });
    return { certPem: readFileSync(cert, "utf8"), keyPem: readFileSync(key, "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A serving pair that is its own authority. */
export function issueForeign(names: readonly string[], days: number): ForeignPair {
  const alternatives = names.map((name) => `DNS:${name}`).join(",");
  const extensions = [
    `subjectAltName=${alternatives}`,
    "basicConstraints=CA:TRUE",
    "subjectKeyIdentifier=hash",
  ];
  return selfSign({ subject: ["O=Example"], extensions, days });
}
