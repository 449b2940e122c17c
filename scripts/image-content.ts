/** What is inside the image: Node with its libraries below, the bundled programs above. */
import { basename } from "node:path";
import type { LayerEntry } from "./image-layer.ts";

/** The user the webhook runs as; the number distroless and the chart use too. */
export const USER_ID = 65532;

const passwd = [
  "root:x:0:0:root:/root:/sbin/nologin",
  `nonroot:x:${USER_ID}:${USER_ID}:nonroot:/home/nonroot:/sbin/nologin`,
];
const group = ["root:x:0:", `nonroot:x:${USER_ID}:`];

/** Programs of this machine that go into the image. */
export interface Runtime {
  readonly node: string;
  /** With it the agent runs the node's own systemd-inhibit, instead of carrying one with its 13 MB of libraries. */
  readonly chroot: string;
  /** Takes the lock of a CNI network, which Node can't. */
  readonly flock: string;
  /** Looks into network namespaces that no process lives in. */
  readonly nsenter: string;
  /** Of all of them. */
  readonly libraries: readonly string[];
}

/** The lower layer. No CA certificates: Node carries its own, and the cluster's CA is mounted into the pod. */
export function runtimeEntries({ node, chroot, flock, nsenter, libraries }: Runtime): readonly LayerEntry[] {
  return [
    { kind: "file", path: "/usr/bin/node", mode: 0o755, from: node },
    { kind: "file", path: "/usr/sbin/chroot", mode: 0o755, from: chroot },
    { kind: "file", path: "/usr/bin/flock", mode: 0o755, from: flock },
    { kind: "file", path: "/usr/bin/nsenter", mode: 0o755, from: nsenter },
    ...libraries.map((path): LayerEntry => ({ kind: "file", path, mode: 0o755, from: path })),
    { kind: "text", path: "/etc/passwd", mode: 0o644, text: lines(passwd) },
    { kind: "text", path: "/etc/group", mode: 0o644, text: lines(group) },
    // Without it glibc asks DNS before /etc/hosts.
    { kind: "text", path: "/etc/nsswitch.conf", mode: 0o644, text: lines(["hosts: files dns"]) },
    { kind: "directory", path: "/tmp", mode: 0o1777 },
  ];
}

/** The upper layer: `files` of this machine, at /app. */
export function programEntries(files: readonly string[]): readonly LayerEntry[] {
  return files.map((from) => ({ kind: "file", path: `/app/${basename(from)}`, mode: 0o644, from }));
}

/** The image's runtime settings, named as in the OCI image specification. */
export function runtimeConfig(version: string): Readonly<Record<string, unknown>> {
  return {
    User: `${USER_ID}:${USER_ID}`,
    WorkingDir: "/app",
    Env: ["PATH=/usr/bin", "NODE_ENV=production"],
    Entrypoint: ["/usr/bin/node", "/app/webhook.mjs"],
    Labels: {
      "org.opencontainers.image.title": "nodelatch",
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": "Apache-2.0",
    },
  };
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
