/** The kernel's name for this boot. The same in every container, and what kubelet reports as nodeInfo.bootID. */
import { readText } from "../files/read-text.ts";

/** Not namespaced (facts/node-observed.md 6). */
export const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

export type BootIDRead =
  { readonly kind: "known"; readonly bootID: string } | { readonly kind: "unknown"; readonly reason: string };

/** The boot ID in `text`, or undefined when that is no UUID as the kernel prints it, or the empty one. */
export function parseBootID(text: string): string | undefined {
  const bootID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n?$/.exec(text)?.[1];
  // All zeros is what a broken or faked source says, on every boot: two boots would look like one.
  return bootID === undefined || /^[0-]+$/.test(bootID) ? undefined : bootID;
}

/** Reads and checks the boot ID. Never rejects. */
export async function readBootID(path: string = BOOT_ID_FILE): Promise<BootIDRead> {
  const read = await readText(path, 4096);
  switch (read.kind) {
    case "absent":
      return { kind: "unknown", reason: `${path} does not exist; is /proc mounted?` };
    case "unreadable":
      return { kind: "unknown", reason: read.reason };
    case "text": {
      const bootID = parseBootID(read.text);
      if (bootID !== undefined) return { kind: "known", bootID };
      const shown = JSON.stringify(read.text.slice(0, 60));
      return { kind: "unknown", reason: `${path} holds ${shown}; expected a UUID that is not zero` };
    }
  }
}
