import { RuntimeError } from "../runtime.ts";

/** The error of a call to a runtime that has to fail. */
export async function failureOf(call: Promise<unknown>): Promise<RuntimeError> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof RuntimeError) return thrown;
    throw new Error("failed with something else than a RuntimeError", { cause: thrown });
  }
  throw new Error("the call did not fail");
}
