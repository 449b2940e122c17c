import { expect, test } from "vitest";
import { lockRecord } from "../../lock/fixture.ts";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { formatTime, writeRecord } from "../../lock/record.ts";
import { parseLockRequest } from "../../lock/request.ts";
import { parseArguments } from "../arguments.ts";
import { run } from "../testing/cli-kit.ts";
import { KubeconfigKit } from "../testing/kubeconfig-kit.ts";
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

test.each([-1, 1])("an expiry is told by the API server's clock, %i h from ours", async (hours) => {
  const kit = await KubeconfigKit.start();
  try {
    const serverMillis = Date.now() + hours * 3_600_000;
    const record = lockRecord({ expiresAt: formatTime(serverMillis + 7_200_000 + 30_000) });
    kit.server.answer = () => ({
      status: 200,
      headers: { Date: new Date(serverMillis).toUTCString() },
      json: {
        kind: "Node",
        metadata: { name: "n1", annotations: { [LOCK_ANNOTATION]: writeRecord(record) } },
        spec: { unschedulable: true },
      },
    });
    const { code, out } = await run(["lock", "n1", "--kubeconfig", await kit.kubeconfig("skewed")]);
    expect(code).toBe(0);
    expect(out).toMatch(/^node\/n1 locked and cordoned by alice; expires in 2h \(/);
  } finally {
    await kit.close();
  }
});
