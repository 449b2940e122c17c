export interface KubeconfigParts {
  readonly server: string;
  readonly caFile: string;
  readonly user: string;
  readonly credential:
    | { readonly kind: "certificate"; readonly certificate: string; readonly key: string }
    | { readonly kind: "token"; readonly token: string };
}

/** A kubeconfig as JSON (which is YAML): one cluster, one user, one context. Certificate and key are file paths. */
export function renderKubeconfig(parts: KubeconfigParts): string {
  const { credential } = parts;
  const user =
    credential.kind === "token"
      ? { token: credential.token }
      : { "client-certificate": credential.certificate, "client-key": credential.key };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: parts.server, "certificate-authority": parts.caFile } }],
    users: [{ name: parts.user, user }],
    contexts: [{ name: "test", context: { cluster: "test", user: parts.user } }],
    "current-context": "test",
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
