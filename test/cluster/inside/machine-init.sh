#!/bin/sh
# Process 1 of one machine of the test cluster, in its own pid, network and mount namespace. When it is killed, every
# process, mount and network device of the machine goes with it, as when power is cut.
# Arguments: STATE (what survives a reboot), BOOT_ID (file shown as the kernel's boot id), then pairs of PATH, FILE: the
# machine has FILE's content at PATH.
set -eu
state=$1
boot_id=$2
shift 2

mount --make-rprivate /
mount -t tmpfs tmpfs /run

# Default paths (/etc/cni, /var/lib/cni, /var/log/pods ...) belong to this machine, the real ones stay as they are.
for folder in etc var/lib var/log usr/lib/cni; do
  mkdir -p "$state/$folder/upper" "$state/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$state/$folder/upper,workdir=$state/$folder/work" "/$folder"
done
# overlayfs can't lie on overlayfs: container layers go straight to the state folder.
for folder in containerd kubelet; do
  mkdir -p "$state/$folder" "/var/lib/$folder"
  mount --bind "$state/$folder" "/var/lib/$folder"
done
mount --bind "$boot_id" /proc/sys/kernel/random/boot_id
while [ $# -gt 0 ]; do
  mkdir -p "$(dirname "$1")"
  [ -e "$1" ] || : > "$1"
  mount --bind "$2" "$1"
  shift 2
done
# Volumes that the kubelet mounts must show up in containers that containerd starts later.
mount --make-rshared /

echo ready
# A shell reaps orphans (containerd's shims leave some) while it waits.
while :; do
  sleep 3600 &
  wait $!
done
