/** Names of runtimes' sockets. Pure. */

/** Linux: sun_path has 108 bytes, the last one 0. */
const MAX_SOCKET_PATH_BYTES = 107;

export type ParsedEndpoint =
  | { readonly kind: "socket"; readonly hostPath: string }
  | { readonly kind: "invalid"; readonly message: string };

/** `unix:///run/x.sock`, kubelet's older `unix:/run/x.sock` or a plain absolute path. */
export function parseEndpoint(text: string): ParsedEndpoint {
  const trimmed = text.trim();
  const path = trimmed.replace(/^unix:(?:\/\/)?(?=\/(?!\/))/, "");
  if (!path.startsWith("/") || path.includes("\0")) {
    return invalid(text, "expected unix:///PATH or an absolute path");
  }
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    return invalid(text, `longer than the ${MAX_SOCKET_PATH_BYTES} bytes of a socket's path`);
  }
  return { kind: "socket", hostPath: path };
}

function invalid(text: string, why: string): ParsedEndpoint {
  return { kind: "invalid", message: `runtime endpoint ${JSON.stringify(text.slice(0, 200))}: ${why}` };
}

/** What to try when nobody says which runtime kubelet uses: CRI first, in the order of how common they are. */
export const knownSockets: readonly string[] = [
  "/run/containerd/containerd.sock",
  "/run/crio/crio.sock",
  "/run/cri-dockerd.sock",
  // k3s and RKE2.
  "/run/k3s/containerd/containerd.sock",
  "/run/k0s/containerd.sock",
  "/var/snap/microk8s/common/run/containerd.sock",
  "/run/docker.sock",
];

export const dockerSocket = "/run/docker.sock";
