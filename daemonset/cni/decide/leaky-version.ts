/**
 * containerd versions that never call DEL for a sandbox which a cut caught in ADD, so that each power cut may leak
 * addresses (containerd#10744, mended by #12923; tags looked at: facts/node-observed.md 1, cni-state.md 4). Pure.
 */

interface Line {
  readonly minor: string;
  readonly firstPatch: number;
  readonly lastPatch: number;
  /** The first of the same line that does not leak. */
  readonly mended: string;
}

const LINES: readonly Line[] = [
  { minor: "1.7", firstPatch: 23, lastPatch: 30, mended: "1.7.31" },
  { minor: "2.0", firstPatch: 0, lastPatch: 7, mended: "2.0.8" },
  { minor: "2.1", firstPatch: 0, lastPatch: 6, mended: "2.1.7" },
  { minor: "2.2", firstPatch: 0, lastPatch: 1, mended: "2.2.2" },
];

/** The version to go to, or undefined if this one is not known to leak. */
export function mendedVersion(name: string, version: string): string | undefined {
  if (name !== "containerd") return undefined;
  const [, minor, patch] = /^v?(\d+\.\d+)\.(\d+)/.exec(version) ?? [];
  if (minor === undefined || patch === undefined) return undefined;
  const line = LINES.find((each) => each.minor === minor);
  if (line === undefined || Number(patch) < line.firstPatch || Number(patch) > line.lastPatch)
    return undefined;
  return line.mended;
}
