import { describe, expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { WEB } from "./fixture.ts";
import { MOST_KEPT_EXAMPLES, MOST_REMOVALS } from "./report.ts";
import { reportText } from "./report-text.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { PassKit, readReport, WALL_NANOS } from "./testing/pass-kit.ts";
import { afterPowerCut, modes, podNamed } from "./testing/power-cut.ts";

describe("the report", () => {
  test("is bounded, whatever the node holds", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const sandboxID = runtime.runSandbox(WEB);
    const ready = runtime.runSandbox(podNamed("ready"));
    for (let index = 0; index < 3_000; index++) {
      runtime.create(sandboxID, `dead-${index}`, 0);
      runtime.create(ready, `young-${index}`, 0);
    }
    const dead = runtime.sandboxes.get(sandboxID);
    if (dead !== undefined) dead.state = "not-ready";
    const report = await new PassKit().pass("boot", [runtime]);
    const read = readReport(report);
    expect(read.outcomes).toEqual({ removed: 3_000 });
    expect(read.kept).toEqual({ "seen-too-briefly": 3_000 });
    expect(read.removals).toHaveLength(MOST_REMOVALS);
    expect(read.keptExamples).toHaveLength(MOST_KEPT_EXAMPLES);
    expect(JSON.stringify(report).length).toBeLessThan(32_000);
    const text = reportText(report);
    expect(text).toHaveLength(4 + MOST_REMOVALS + 1 + MOST_KEPT_EXAMPLES);
    expect(text).toContain("    - and 2950 more, all of them in the log");
  });

  test("reads as words", async () => {
    const { runtime, left } = afterPowerCut();
    runtime.create(runtime.runSandbox(podNamed("young")), "app", 0);
    const broken = new FakeRuntime(WALL_NANOS, "broken");
    broken.before = () => {
      throw new RuntimeError("unavailable", "broken: connection refused");
    };
    const text = reportText(await new PassKit().pass("boot", [runtime, broken]));
    expect(text).toEqual([
      "containers, boot pass at 2027-01-15T08:00:00.000Z, 0 ms",
      "  fake at /run/fake.sock: 6 containers in 6 sandboxes",
      "    decided to keep: 3 ended, 1 seen-too-briefly",
      "    decided to remove: 2 removed",
      `    - default/left app attempt 0 (${left.id.slice(0, 12)}): removed in 0 ms: ` +
        "created but never started, in a sandbox that has ended: it can't be started any more",
      expect.stringContaining("default/lost app attempt 0"),
      expect.stringContaining("default/young app attempt 0"),
      "  broken: could not be read: broken: connection refused",
    ]);
    const reporting = await new PassKit().pass("boot", [runtime], { settings: modes("report") });
    expect(reportText(reporting)[0]).toContain("(report only, nothing is removed)");
    const off = await new PassKit().pass("boot", [runtime], { settings: modes("off") });
    expect(reportText(off)).toEqual(["containers, boot pass: switched off"]);
  });

  test("cuts a runtime's long words", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.before = () => {
      throw new RuntimeError("other", "x".repeat(10_000));
    };
    const report = await new PassKit().pass("boot", [runtime]);
    expect(JSON.stringify(report).length).toBeLessThan(1_000);
  });
});
