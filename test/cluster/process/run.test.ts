import { expect, test } from "vitest";
import { run, runOrThrow } from "./run.ts";

const soon = { timeoutMillis: 10_000 };

test("returns exit code and both outputs", async () => {
  const result = await run(["sh", "-c", "echo out; echo err >&2; exit 3"], soon);
  expect(result).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
});

test("passes input and environment", async () => {
  const result = await run(["sh", "-c", 'cat; echo "$WORD"'], {
    ...soon,
    input: "in ",
    env: { WORD: "word" },
  });
  expect(result.stdout).toBe("in word\n");
});

test("kills a program that takes too long, and says so", async () => {
  await expect(run(["sleep", "60"], { timeoutMillis: 50 })).rejects.toThrow(
    "sleep 60 did not end within 50 ms",
  );
});

test("kills a program when the caller gives up", async () => {
  const signal = AbortSignal.timeout(50);
  await expect(run(["sleep", "60"], { ...soon, signal })).rejects.toThrow(
    "sleep 60 could not be run to its end",
  );
});

test("names a program that is not there", async () => {
  await expect(run(["no-such-program"], soon)).rejects.toThrow("no-such-program could not be run to its end");
});

test("throws what a program said that had to succeed", async () => {
  await expect(runOrThrow(["sh", "-c", "echo why >&2; exit 3"], soon)).rejects.toThrow("ended with 3: why");
});
