/** A docker archive: the one image format that `ctr image import`, `docker load` and skopeo all take. */
import { createHash } from "node:crypto";
import { addFile, addText, writeTar, type TarFile } from "./image-layer.ts";

/** A layer and the sentence that `docker history` shows for it. */
export interface Layer extends TarFile {
  readonly madeBy: string;
}

export interface Image {
  /** `name:tag` without a registry; containerd stores it as `docker.io/library/name:tag`. */
  readonly reference: string;
  readonly arch: NodeJS.Architecture;
  /** Lowest first. */
  readonly layers: readonly Layer[];
  /** Runtime settings under their names in the OCI image specification, e.g. `Entrypoint`. */
  readonly config: Readonly<Record<string, unknown>>;
}

const architectures: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: "amd64",
  arm64: "arm64",
};
// Fixed, because an image built twice from the same files has to be the same image.
const created = "1970-01-01T00:00:00Z";

/** The image's configuration in the OCI image specification's JSON; its digest is the image's ID. */
export function imageConfig(image: Image): string {
  const architecture = architectures[image.arch];
  if (architecture === undefined)
    throw new Error(`image: unknown architecture ${image.arch}; expected x64 or arm64`);
  return JSON.stringify({
    architecture,
    os: "linux",
    created,
    config: image.config,
    rootfs: { type: "layers", diff_ids: image.layers.map((layer) => layer.digest) },
    history: image.layers.map((layer) => ({ created, created_by: layer.madeBy })),
  });
}

/** Writes the archive to `path` and returns it with its digest. Layers stay uncompressed: nothing is downloaded. */
export async function writeArchive(path: string, image: Image): Promise<TarFile> {
  const config = imageConfig(image);
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  const manifest = [
    {
      Config: configName,
      RepoTags: [image.reference],
      Layers: image.layers.map((layer) => layerName(layer)),
    },
  ];
  return writeTar(path, async (tar) => {
    for (const layer of image.layers) await addFile(tar, layerName(layer), 0o644, layer.path);
    await addText(tar, configName, 0o644, config);
    await addText(tar, "manifest.json", 0o644, JSON.stringify(manifest));
  });
}

function layerName(layer: Layer): string {
  return `${layer.digest.replace("sha256:", "")}.tar`;
}
