import { expect, test } from "vitest";
import { bothEnds, cniAfter } from "./cni-schedule.ts";
import { CNI_RESULTS, type CniEnd } from "./cni/worker.ts";
import { PASS_RESULTS, type PassEnd } from "./passes.ts";

const end = (result: PassEnd["result"]): PassEnd => ({
  phase: "boot",
  result,
  unsettled: false,
  seconds: 1,
  report: undefined,
});
const cni = (result: CniEnd["result"]): CniEnd => ({ result, seconds: 1, report: undefined });
const never = new AbortController().signal;

test("a pass over leases follows one that could read, or was not to", async () => {
  const worker = { run: async () => cni("done"), last: () => undefined };
  const followed = await Promise.all(
    PASS_RESULTS.map(async (result) => (await cniAfter(end(result), worker, never)) !== undefined),
  );
  expect(PASS_RESULTS.filter((_result, at) => followed[at])).toEqual(["read", "partly-read", "off"]);
});

test("the schedule goes by containers, unless they are switched off", () => {
  for (const result of PASS_RESULTS.filter((each) => each !== "off")) {
    expect(bothEnds(end(result), cni("unproven")).result).toBe(result);
  }
  expect(bothEnds(end("off"), undefined).result).toBe("off");
  expect(CNI_RESULTS.map((result) => `${result}: ${bothEnds(end("off"), cni(result)).result}`)).toEqual([
    "done: read",
    "unproven: unread",
    "partly-read: partly-read",
    "off: off",
    "cut: cut",
    "failed: unread",
  ]);
});
