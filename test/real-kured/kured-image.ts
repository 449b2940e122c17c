/** A container image of kured's program and busybox's nsenter, as kured's own image has it (Alpine's is busybox's too). */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeArchive } from "../../scripts/image-archive.ts";
import { writeLayer } from "../../scripts/image-layer.ts";

const REFERENCE = "nodelatch-test-kured:1";
export const KURED_IMAGE = `docker.io/library/${REFERENCE}`;

/** @param kured path of kured's program, linked statically. @param use is given the path of a docker archive. */
export async function withKuredImage(kured: string, use: (archive: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-kured-image-"));
  try {
    const layer = await writeLayer(join(folder, "layer.tar"), [
      { kind: "file", path: "/usr/bin/kured", mode: 0o755, from: await realpath(kured) },
      // busybox goes by the name that it is called by.
      { kind: "file", path: "/usr/bin/nsenter", mode: 0o755, from: "/bin/busybox" },
      ...["/proc", "/sys", "/dev", "/sentinel"].map(
        (path) => ({ kind: "directory", path, mode: 0o755 }) as const,
      ),
    ]);
    const archive = await writeArchive(join(folder, "image.tar"), {
      reference: REFERENCE,
      arch: process.arch,
      layers: [{ ...layer, madeBy: "kured, given by the caller" }],
      config: { Entrypoint: ["/usr/bin/kured"] },
    });
    await use(archive.path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
