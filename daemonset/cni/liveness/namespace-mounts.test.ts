import { expect, test } from "vitest";
import { namespaceMounts } from "./namespace-mounts.ts";

test("network namespaces among mounts, with their inode", () => {
  const text = [
    "24 30 0:22 / /proc rw,nosuid shared:12 - proc proc rw",
    "310 26 0:4 net:[4026532281] /run/netns/cni-0b6b3a64 rw shared:160 - nsfs nsfs rw",
    "311 26 0:4 mnt:[4026532300] /run/snapd/ns/x.mnt rw - nsfs nsfs rw",
    "312 26 0:4 net:[4026532290] /run/netns/with\\040space rw shared:160 master:1 - nsfs nsfs rw",
    "313 26 0:31 / /run/netns rw - tmpfs tmpfs rw",
    "",
  ].join("\n");
  expect(namespaceMounts(text)).toEqual([
    { inode: "4026532281", path: "/run/netns/cni-0b6b3a64" },
    { inode: "4026532290", path: "/run/netns/with space" },
  ]);
});
