import type { Part } from "../cluster/programs/packages.ts";

/** What the tests on real runtimes and a real logind need of Debian. */
export const nodeParts: readonly Part[] = [
  { package: "containerd", file: "containerd" },
  { package: "containerd", file: "ctr" },
  { package: "runc", file: "runc" },
  { package: "docker.io", file: "dockerd" },
  { package: "dbus", file: "dbus-daemon" },
  { package: "systemd", file: "/lib/systemd/systemd-logind" },
  { package: "systemd", file: "systemd-inhibit" },
  { package: "busybox-static", file: "/bin/busybox" },
  { package: "e2fsprogs", file: "mkfs.ext4" },
  { package: "util-linux", file: "fsfreeze" },
  { package: "util-linux", file: "unshare" },
  { package: "util-linux", file: "nsenter" },
  { package: "util-linux", file: "setpriv" },
  { package: "mount", file: "mount" },
  { package: "tar", file: "tar" },
];
