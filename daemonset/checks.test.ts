import { expect, test } from "vitest";
import { runChecks } from "../program/check.ts";
import { liveChecks, readyChecks } from "./checks.ts";
import type { AgentView } from "./view.ts";

const WELL: AgentView = {
  boot: () => ({ words: "a boot", problem: false, complete: true }),
  own: { kind: "pod", uid: "u1" },
  runtimes: () => [],
  endpoints: () => [{ hostPath: "/run/a.sock", kind: "answers", ok: true, line: "a answers" }],
  complaints: () => [],
  lastPass: () => ({ phase: "boot", result: "read", unsettled: false, seconds: 0.1, report: undefined }),
  lastCniPass: () => undefined,
  findings: () => [],
  shutdown: () => undefined,
  journal: () => ({ kind: "saved" }),
  network: () => ({
    now: { kind: "none" },
    last: { address: "10.0.0.1", interface: "eth0" },
    defaultRouteIPv4: false,
    defaultRouteIPv6: false,
    changes: 0,
    trouble: undefined,
  }),
  api: () => undefined,
  gate: () => undefined,
  release: () => undefined,
  locksReleased: () => 0,
  lateMillis: () => 0,
};

const failedOf = async (part: Partial<AgentView>): Promise<readonly string[]> => {
  const report = await runChecks("readyz", readyChecks({ ...WELL, ...part }), new Set(), 1_000);
  return report.failed;
};

test.each([
  ["all is well, without an address", {}, []],
  ["the API server is away", { api: () => ({ kind: "away", reason: "no route to host", failures: 9 }) }, []],
  ["the journal can't be written", { journal: () => ({ kind: "unsaved", reason: "full", failures: 1 }) }, []],
  [
    "logind is away and the lock not held",
    {
      shutdown: () => ({
        lock: { kind: "not-held", reason: "no bus", failures: 3 },
        bus: { kind: "no-bus", reason: "no bus", failures: 3 },
        announced: false,
        delayMaxMillis: undefined,
        last: undefined,
      }),
    },
    [],
  ],
  [
    "a person is needed",
    {
      findings: () => [
        { sinceMillis: 1, finding: { kind: "disk-full", subject: "/", seen: "full", remedy: "free space" } },
      ],
    },
    [],
  ],
  ["the agent runs in no pod", { own: { kind: "none" } }, []],
  ["its own pod is not known", { own: { kind: "unknown" } }, ["own-pod"]],
  [
    "the boot is not known",
    { boot: () => ({ words: "no /proc", problem: true, complete: false }) },
    ["boot-id"],
  ],
  ["runtimes were not looked for yet", { endpoints: () => [] }, ["runtimes"]],
  [
    "one of the runtimes does not answer",
    {
      endpoints: () => [
        { hostPath: "/run/a.sock", kind: "answers", ok: true, line: "a answers" },
        { hostPath: "/run/b.sock", kind: "absent", ok: false, line: "no such socket" },
      ],
    },
    ["runtimes"],
  ],
  ["there was no pass yet", { lastPass: () => undefined }, ["containers"]],
  [
    "the last pass could not read a runtime",
    {
      lastPass: () => ({ phase: "boot", result: "unread", unsettled: false, seconds: 1, report: undefined }),
    },
    ["containers"],
  ],
  [
    "passes are switched off",
    { lastPass: () => ({ phase: "boot", result: "off", unsettled: false, seconds: 0, report: undefined }) },
    [],
  ],
] satisfies readonly (readonly [string, Partial<AgentView>, readonly string[]])[])(
  "readiness when %s",
  async (_sentence, part, failed) => {
    expect(await failedOf(part)).toEqual(failed);
  },
);

test.each([
  [0, true],
  [60_000, true],
  [60_001, false],
])("alive when passes are late by %i ms: %s", async (lateMillis, ok) => {
  const report = await runChecks(
    "livez",
    liveChecks({ ...WELL, lateMillis: () => lateMillis }),
    new Set(),
    1_000,
  );
  expect(report.ok).toBe(ok);
});
