import { clusterParts, type Part } from "../cluster/programs/packages.ts";

/** What the tests on real runtimes, a real logind and whole machines need of Debian; containerd itself is fetched apart. */
export const nodeParts: readonly Part[] = [
  ...clusterParts,
  { package: "debian-archive-keyring", file: "/usr/share/keyrings/debian-archive-keyring.gpg" },
  { package: "docker.io", file: "dockerd" },
  { package: "dbus", file: "dbus-daemon" },
  { package: "systemd", file: "/lib/systemd/systemd-logind" },
  { package: "systemd", file: "systemd-inhibit" },
  { package: "e2fsprogs", file: "mkfs.ext4" },
  { package: "util-linux", file: "fsfreeze" },
  { package: "util-linux", file: "setpriv" },
  { package: "procps", file: "pgrep" },
  { package: "qemu-user", file: "qemu-aarch64" },
  { package: "libstdc++6-arm64-cross", file: "/usr/aarch64-linux-gnu/lib/libstdc++.so.6" },
];
