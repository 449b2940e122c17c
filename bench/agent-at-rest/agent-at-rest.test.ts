import { expect, test } from "vitest";
import { quietMillisIn } from "./bench.ts";
import { reportOf } from "./report.ts";

test.each([
  [[], 300_000],
  [["--quiet=60"], 60_000],
])("%j is so many quiet milliseconds", (words, millis) => {
  expect(quietMillisIn(words)).toBe(millis);
});

test.each([[["60"]], [["--quiet=0"]], [["--quiet=1", "--quiet=2"]]])("%j is refused", (words) => {
  expect(() => quietMillisIn(words)).toThrow("expected --quiet=SECONDS and nothing else");
});

test("medians count, and the most is shown beside them", () => {
  const memory = (resident: number): { resident: number; anonymous: number } => ({
    resident,
    anonymous: resident / 2,
  });
  const { text, result } = reportOf({
    agent: { memories: [memory(60), memory(90), memory(62)], cpuPercent: 0.05 },
    reference: { memories: [memory(40)], cpuPercent: 0 },
    libraries: [{ name: "pino", isInAgent: true, memory: memory(3) }],
    pods: 100,
    quietMillis: 30_000,
  });
  expect(result).toMatchObject({
    name: "agent-at-rest",
    ratio: 1.55,
    ours: 62,
    reference: 40,
    unit: "MiB",
    n: 3,
    residentMost: 90,
    anonymous: 31,
    cpuPercent: 0.05,
    quietSeconds: 30,
    libraries: { pino: 3 },
  });
  expect(text).toContain("agent            62.0  90.0       31.0  45.0  0.050");
  expect(text).toMatch(/^pino +3\.0 +1\.5 +yes$/m);
});
