/** Which boot the agent saw last: a file in `/run/nodelatch`, where a reboot normally wipes it. */
import { readText } from "../files/read-text.ts";
import { realFileSystem, writeWholeFile, type FileSystem } from "../files/whole-file.ts";
import { parseBootID } from "./boot-id.ts";

export type MarkerRead =
  | { readonly kind: "marked"; readonly bootID: string }
  | { readonly kind: "absent" }
  /** Something is there that says nothing: half written by another program, a directory, an input/output error. */
  | { readonly kind: "corrupt"; readonly reason: string };

/** Reads the marker. Never rejects. */
export async function readBootMarker(path: string): Promise<MarkerRead> {
  const read = await readText(path, 4096);
  switch (read.kind) {
    case "absent":
      return { kind: "absent" };
    case "unreadable":
      return { kind: "corrupt", reason: read.reason };
    case "text": {
      const bootID = parseBootID(read.text);
      if (bootID !== undefined) return { kind: "marked", bootID };
      const shown = JSON.stringify(read.text.slice(0, 60));
      return { kind: "corrupt", reason: `${path} holds ${shown}; expected a boot ID` };
    }
  }
}

/**
 * Says that this boot was seen. Call it when the work that a boot asks for is done or may be left to later passes.
 * @throws Error naming the path.
 */
export async function writeBootMarker(
  path: string,
  bootID: string,
  files: FileSystem = realFileSystem,
): Promise<void> {
  await writeWholeFile(path, `${bootID}\n`, files);
}
