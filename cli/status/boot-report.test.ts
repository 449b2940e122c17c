import { expect, test } from "vitest";
import { BOOT_REPORT_KEY } from "../../daemonset/cni/report/boot-report.ts";
import {
  BOOT_REPORT_ANNOTATION,
  bootStateOf,
  leasesWords,
  parseBootReport,
  type BootState,
} from "./boot-report.ts";

const GOOD = {
  bootID: "boot-1",
  removedLeases: 2,
  removedCaches: 5,
  predatingLeases: 0,
  proven: true,
  findings: [],
  networks: [{ name: "net", stale: 0, waiting: 0, predating: 0 }],
};

test("it is the agent's annotation", () => {
  expect(BOOT_REPORT_ANNOTATION).toBe(BOOT_REPORT_KEY);
});

test.each<[string, object, BootState, string]>([
  ["all is well", {}, "clean", "0 stale, 2 removed"],
  ["a finding stands", { findings: ["pool-exhausted"] }, "unclean", "0 stale, 2 removed"],
  [
    "leases are left in one of two networks",
    {
      networks: [
        { stale: 0, waiting: 0 },
        { stale: 3, waiting: 1 },
      ],
    },
    "unclean",
    "3 stale, 1 waiting, 2 removed",
  ],
  [
    "leases are not judged yet",
    { networks: [{ stale: 0, waiting: 4 }] },
    "unknown",
    "0 stale, 4 waiting, 2 removed",
  ],
  ["the agent can't see the runtime", { proven: false }, "unknown", "0 stale, 2 removed"],
  ["it is of an earlier boot", { bootID: "boot-0" }, "old", "0 stale, 2 removed"],
])("when %s", (_what, part, state, words) => {
  const report = parseBootReport(JSON.stringify({ ...GOOD, ...part }));
  if (report === undefined) throw new Error("no report");
  expect(bootStateOf(report, "boot-1")).toBe(state);
  expect(leasesWords(report)).toBe(words);
});

test.each([undefined, "", "no JSON", "[]", "3"])("%j is no report", (text) => {
  expect(parseBootReport(text)).toBeUndefined();
});

test("a report of another version says what it can", () => {
  expect(parseBootReport('{"networks":[{"stale":"many"}],"findings":[1]}')).toMatchObject({
    staleLeases: 0,
    findings: [],
    proven: false,
  });
});
