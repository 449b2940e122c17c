/** A disk on which the runtime can't write: it loses containers then, and may not start again. Pure. */
import type { Finding, Sign } from "./finding.ts";

export interface Disk {
  readonly path: string;
  /** For root: the reserve of the file system counts as free, as the runtime may use it. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Both 0 where a file system has no fixed number of them (btrfs). */
  readonly freeInodes: number;
  readonly totalInodes: number;
}

/** As `node:fs` gives it. */
export interface StatFs {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly files: number;
  readonly ffree: number;
}

export function diskOf(path: string, { bsize, blocks, bfree, files, ffree }: StatFs): Disk {
  return {
    path,
    freeBytes: bsize * bfree,
    totalBytes: bsize * blocks,
    freeInodes: ffree,
    totalInodes: files,
  };
}

/** What one start of a pod may need at the least; of a small file system only a twentieth. */
const LEAST_BYTES = 64 * 1_024 * 1_024;
const LEAST_INODES = 1_024;

export function diskSign(disk: Disk): Sign {
  const kind = "disk-full";
  const subject = disk.path;
  const noBytes = disk.totalBytes > 0 && disk.freeBytes < Math.min(LEAST_BYTES, disk.totalBytes / 20);
  const noInodes = disk.totalInodes > 0 && disk.freeInodes < Math.min(LEAST_INODES, disk.totalInodes / 20);
  if (!noBytes && !noInodes) return { kind, subject, finding: undefined };
  const seen = noBytes
    ? `${mebibytes(disk.freeBytes)} of ${mebibytes(disk.totalBytes)} MiB are free`
    : `${disk.freeInodes} of ${disk.totalInodes} inodes are free`;
  return { kind, subject, finding: full(subject, seen) };
}

/** From what the runtime said when something failed. */
export function messageSigns(subject: string, messages: readonly string[]): readonly Sign[] {
  const noSpace = messages.find((text) => /no space left on device|ENOSPC|disk quota exceeded/i.test(text));
  const readOnly = messages.find((text) => /read-only file ?system|EROFS/i.test(text));
  return [
    {
      kind: "disk-full",
      subject,
      finding: noSpace === undefined ? undefined : full(subject, `it says: ${noSpace}`),
    },
    {
      kind: "disk-read-only",
      subject,
      finding:
        readOnly === undefined
          ? undefined
          : {
              kind: "disk-read-only",
              subject,
              seen: `it says: ${readOnly}`,
              remedy:
                "a file system turns read-only after errors: read the kernel's log, check or replace the disk",
            },
    },
  ];
}

/** A container that can't be loaded for lack of space comes back as a duplicate that ends containerd (containerd#7247). */
function full(subject: string, seen: string): Finding {
  return {
    kind: "disk-full",
    subject,
    seen,
    remedy:
      "free space (images, logs) before the runtime is restarted: one that starts on a full disk loses containers",
  };
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1_024 / 1_024);
}
