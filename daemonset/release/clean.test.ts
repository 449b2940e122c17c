import { describe, expect, test } from "vitest";
import { CNI_RESULTS, type CniEnd } from "../cni/worker.ts";
import type { KeepReason } from "../containers/decide.ts";
import { PASS_RESULTS, type PassEnd, type PassResult } from "../passes.ts";
import { uncleanWords } from "./clean.ts";

const containers = (result: PassResult, kept: Partial<Record<KeepReason, number>> = {}): PassEnd => ({
  phase: "steady",
  result,
  unsettled: false,
  seconds: 0.1,
  report: {
    phase: "steady",
    mode: "on",
    startedAt: "2026-11-21T09:30:00Z",
    durationMillis: 1,
    runtimes: [
      {
        kind: "read",
        key: "k",
        label: "containerd",
        containers: 1,
        sandboxes: 1,
        kept,
        keptExamples: [],
        outcomes: {},
        removals: [],
        future: undefined,
        unlisted: [],
      },
    ],
  },
});
const cni = (result: CniEnd["result"]): CniEnd => ({ result, seconds: 0.1, report: undefined });

const DONE = { areBootPassesDone: true, containers: containers("read"), cni: cni("done") };

test("both passes done, nothing unknown: clean", () => {
  expect(uncleanWords(DONE)).toBeUndefined();
});

test("what is switched off has nothing to say", () => {
  expect(uncleanWords({ ...DONE, containers: containers("off"), cni: cni("off") })).toBeUndefined();
});

describe("not yet", () => {
  test("while passes after the boot are to come, whatever those before them found", () => {
    expect(uncleanWords({ ...DONE, areBootPassesDone: false })).toContain("under way");
  });

  test("in an agent that has not looked itself", () => {
    expect(uncleanWords({ ...DONE, containers: undefined })).toContain("no pass over containers");
    expect(uncleanWords({ ...DONE, cni: undefined })).toContain("no pass over CNI");
  });

  test.each(PASS_RESULTS.filter((result) => result !== "read" && result !== "off"))(
    "after a pass over containers that ended as %s",
    (result) => {
      expect(uncleanWords({ ...DONE, containers: containers(result) })).toContain(result);
    },
  );

  test.each(CNI_RESULTS.filter((result) => result !== "done" && result !== "off"))(
    "after a pass over CNI state that ended as %s",
    (result) => {
      expect(uncleanWords({ ...DONE, cni: cni(result) })).toContain(result);
    },
  );

  test.each(["unrecognized-state", "unrecognized-sandbox", "may-still-run"] as const)(
    "with containers kept as %s",
    (why) => {
      expect(uncleanWords({ ...DONE, containers: containers("read", { [why]: 2 }) })).toBe(
        "the state of 2 containers of containerd is not known",
      );
    },
  );
});

test("what is kept for good reasons is clean", () => {
  const kept = { running: 5, ended: 7, "not-kubernetes": 1, "own-pod": 1, "seen-too-briefly": 1 };
  expect(uncleanWords({ ...DONE, containers: containers("read", kept) })).toBeUndefined();
});
