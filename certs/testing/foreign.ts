/** A serving pair by another issuer: made with openssl, so that nothing of ours is in it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ForeignPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Self-signed, valid from now for whole days: it is its own authority. */
export function issueForeign(names: readonly string[], days: number): ForeignPair {
  const directory = mkdtempSync(join(tmpdir(), "nodelatch-foreign-"));
  try {
    const key = join(directory, "key");
    const cert = join(directory, "cert");
    const alternatives = names.map((name) => `DNS:${name}`).join(",");
    const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const what = ["-subj", "/O=Example", "-addext", `subjectAltName=${alternatives}`, "-days", `${days}`];
    execFileSync("openssl", [...kind, ...what, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { certPem: readFileSync(cert, "utf8"), keyPem: readFileSync(key, "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
