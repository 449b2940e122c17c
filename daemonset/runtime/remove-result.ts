import { RuntimeError, type RemoveResult } from "./runtime.ts";

/** What a removal came to. Never rejects; what is no RuntimeError is a mistake of ours and says so. */
export async function toRemoveResult(removing: Promise<void>): Promise<RemoveResult> {
  try {
    await removing;
    return { kind: "removed" };
  } catch (thrown) {
    const cause =
      thrown instanceof RuntimeError ? thrown : new RuntimeError("other", String(thrown), { cause: thrown });
    if (cause.kind === "not-found") return { kind: "gone" };
    if (cause.kind === "busy") return { kind: "busy", message: cause.message };
    return { kind: "failed", message: cause.message, cause };
  }
}
