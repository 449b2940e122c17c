/** A kubeconfig for one user of this server. */
import { stringify } from "yaml";

export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "certificate"; readonly certPem: string; readonly keyPem: string };

export function kubeconfigText(
  server: string,
  caPem: string,
  username: string,
  credential: Credential,
): string {
  const user =
    credential.kind === "token"
      ? { token: credential.token }
      : {
          "client-certificate-data": base64(credential.certPem),
          "client-key-data": base64(credential.keyPem),
        };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "simulated", cluster: { server, "certificate-authority-data": base64(caPem) } }],
    users: [{ name: username, user }],
    contexts: [{ name: "simulated", context: { cluster: "simulated", user: username } }],
    "current-context": "simulated",
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
