/** Reading small files whose size someone else decides. */
import { open } from "node:fs/promises";
import { codeOf, reasonOf } from "../reason.ts";

export type TextRead =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "absent" }
  /** There, but it can't be read: permission, input/output error, a directory, too large. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Reads a text file, procfs included (which says size 0). Files above `maxBytes` count as unreadable. Never rejects. */
export async function readText(path: string, maxBytes = 1024 * 1024): Promise<TextRead> {
  try {
    const handle = await open(path, "r");
    try {
      const chunks: Buffer[] = [];
      let total = 0;
      for (;;) {
        const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(16 * 1024) });
        if (bytesRead === 0) break;
        total += bytesRead;
        if (total > maxBytes) {
          return { kind: "unreadable", reason: `${path} is larger than ${maxBytes} bytes` };
        }
        chunks.push(buffer.subarray(0, bytesRead));
      }
      return { kind: "text", text: Buffer.concat(chunks).toString("utf8") };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { kind: "absent" };
    return { kind: "unreadable", reason: reasonOf(error) };
  }
}
