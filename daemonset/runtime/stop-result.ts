import { RuntimeError, type StopResult } from "./runtime.ts";

/** What a stop came to. Never rejects; what is no RuntimeError is a mistake of ours and says so. */
export async function toStopResult(stopping: Promise<void>): Promise<StopResult> {
  try {
    await stopping;
    return { kind: "stopped" };
  } catch (thrown) {
    const cause =
      thrown instanceof RuntimeError ? thrown : new RuntimeError("other", String(thrown), { cause: thrown });
    if (cause.kind === "not-found") return { kind: "stopped" };
    return { kind: "failed", message: cause.message, cause };
  }
}
