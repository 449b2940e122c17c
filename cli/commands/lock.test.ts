import { expect, test } from "vitest";
import { parseLockRequest } from "../../lock/request.ts";
import { parseArguments } from "../arguments.ts";
import { lock, lockPatch } from "./lock.ts";

const LIMITS = { defaultTtlMillis: undefined, minTtlMillis: 1, maxTtlMillis: 86_400_000 };
const patchOf = (...words: readonly string[]): Readonly<Record<string, unknown>> =>
  lockPatch(parseArguments(lock.spec, ["n1", ...words]));

test("lock and cordon go in one write; --no-cordon leaves the cordon out of it", () => {
  expect(patchOf()).toMatchObject({ spec: { unschedulable: true } });
  expect(patchOf("--no-cordon")).not.toHaveProperty("spec");
});

test("what is sent is what the webhook reads", () => {
  const patch = JSON.stringify(patchOf("--reason", 'a "quoted" one', "--ttl", "2h", "--release", "reboot"));
  const value = /"nodelatch.io\/reboot-lock":("(?:[^"\\]|\\.)*")/.exec(patch)?.[1] ?? '""';
  const text: unknown = JSON.parse(value);
  expect(parseLockRequest(String(text), LIMITS, 0)).toEqual({
    ok: true,
    request: { reason: 'a "quoted" one', expiresAtMillis: 7_200_000, release: "reboot", notes: [] },
  });
});
