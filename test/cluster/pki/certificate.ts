import { rename } from "node:fs/promises";
import { runOrThrow } from "../process/run.ts";

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads these as the user's groups. */
  readonly organizations: readonly string[];
  /** Subject alternative names, `DNS:name` or `IP:address`. */
  readonly names: readonly string[];
  readonly use: "authority" | "server" | "client";
  /** For machines whose clock is behind: it is valid from so long ago. More than 0 takes Debian's faketime. */
  readonly ageHours?: number | undefined;
}

export interface KeyPairFiles {
  readonly certificate: string;
  readonly key: string;
}

const days = "7";

/** Writes a P-256 key and a certificate signed by `authority` (by itself, if undefined), with the openssl program. */
export async function issueCertificate(
  request: CertificateRequest,
  into: KeyPairFiles,
  authority: KeyPairFiles | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const key = `${into.key}.new`;
  const certificate = `${into.certificate}.new`;
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const issuer = authority === undefined ? [] : ["-CA", authority.certificate, "-CAkey", authority.key];
  const extensions = extensionsOf(request).flatMap((extension) => ["-addext", extension]);
  const output = ["-keyout", key, "-out", certificate, "-days", days];
  const { ageHours = 0 } = request;
  // Before 3.4 openssl req dates a certificate by the clock and by nothing else.
  const dated =
    ageHours > 0 ? (["faketime", "-f", `-${ageHours}h`, "openssl"] as const) : (["openssl"] as const);
  await runOrThrow(
    [...dated, "req", "-x509", ...curve, ...issuer, "-subj", subjectOf(request), ...extensions, ...output],
    { timeoutMillis: 20_000, signal },
  );
  await rename(key, into.key);
  await rename(certificate, into.certificate);
}

function extensionsOf(request: CertificateRequest): readonly string[] {
  if (request.use === "authority") return ["keyUsage=critical,keyCertSign,cRLSign"];
  const alternatives = request.names.length === 0 ? [] : [`subjectAltName=${request.names.join(",")}`];
  const purpose = request.use === "server" ? "serverAuth" : "clientAuth";
  return [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    `extendedKeyUsage=${purpose}`,
    ...alternatives,
  ];
}

/** openssl's one-line form: `/` starts a part and `+` joins two, so both are escaped in values. */
export function subjectOf(request: Pick<CertificateRequest, "commonName" | "organizations">): string {
  const parts = [
    ...request.organizations.map((name) => `O=${escape(name)}`),
    `CN=${escape(request.commonName)}`,
  ];
  return parts.map((part) => `/${part}`).join("");
}

function escape(value: string): string {
  return value.replaceAll(/[\\/+]/g, String.raw`\$&`);
}
