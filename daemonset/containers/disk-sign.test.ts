import { describe, expect, test } from "vitest";
import { diskOf, diskSign, messageSigns, type Disk } from "./disk-sign.ts";

const LABEL = "/run/containerd/containerd.sock";

describe("a disk", () => {
  const MIB = 1_024 * 1_024;
  const disk = (part: Partial<Disk>): Disk => ({
    path: "/var/lib/containerd",
    freeBytes: 10_000 * MIB,
    totalBytes: 16_000 * MIB,
    freeInodes: 100_000,
    totalInodes: 1_000_000,
    ...part,
  });

  test.each<[string, Partial<Disk>, string | undefined]>([
    ["with room is well", {}, undefined],
    ["with 64 MiB left is just well", { freeBytes: 64 * MIB }, undefined],
    ["with less is full", { freeBytes: 64 * MIB - 1 }, "63 of 16000 MiB are free"],
    ["that is small may have a twentieth left", { totalBytes: 100 * MIB, freeBytes: 5 * MIB }, undefined],
    ["that is small has less", { totalBytes: 100 * MIB, freeBytes: 5 * MIB - 1 }, "4 of 100 MiB are free"],
    ["without inodes is full", { freeInodes: 1_023 }, "1023 of 1000000 inodes are free"],
    ["with 1024 inodes is just well", { freeInodes: 1_024 }, undefined],
    ["without a number of inodes is well (btrfs)", { freeInodes: 0, totalInodes: 0 }, undefined],
    ["without a size is no disk", { freeBytes: 0, totalBytes: 0 }, undefined],
  ])("%s", (_what, part, seen) => {
    expect(diskSign(disk(part)).finding?.seen).toBe(seen);
  });

  test("is measured as the file system counts it for root", () => {
    const counted = { bsize: 4_096, blocks: 1_000, bfree: 10, bavail: 0, files: 500, ffree: 7 };
    expect(diskOf("/p", counted)).toEqual({
      path: "/p",
      freeBytes: 40_960,
      totalBytes: 4_096_000,
      freeInodes: 7,
      totalInodes: 500,
    });
  });

  test.each([
    ["write /var/lib/containerd/meta.db: no space left on device", "disk-full"],
    ["mkdir: ENOSPC: cannot write", "disk-full"],
    ["write: disk quota exceeded", "disk-full"],
    ["mkdir /var/lib/containerd/x: read-only file system", "disk-read-only"],
    ["open: EROFS", "disk-read-only"],
  ])("is named by the runtime's words: %s", (text, kind) => {
    const found = messageSigns(LABEL, ["context canceled", text]).filter(
      ({ finding }) => finding !== undefined,
    );
    expect(found).toMatchObject([{ kind, subject: LABEL, finding: { seen: `it says: ${text}` } }]);
  });

  test("is not blamed for other words", () => {
    expect(messageSigns(LABEL, ["connection refused", ""]).map(({ finding }) => finding)).toEqual([
      undefined,
      undefined,
    ]);
  });
});
