import { describe, expect, test } from "vitest";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { writeRecord } from "../../lock/record.ts";
import { HOLDER } from "../review/locked-node.ts";
import { countWrong } from "./check.ts";
import { freshNode, nodeNames, type Side } from "./fleet.ts";
import { reportOf, type Pass } from "./report.ts";
import { checkAnswer, writeOf, writesOf, type Phase } from "./writes.ts";

test("a fresh node has the size of a real one, its side, and neither lock nor cordon", () => {
  const text = JSON.stringify(freshNode("nodelatch", "n1", 20_000));
  expect(text.length).toBeGreaterThan(19_500);
  expect(text).toContain('"bench.nodelatch.io/side":"nodelatch"');
  expect(text).not.toContain(LOCK_ANNOTATION);
  expect(text).not.toContain('unschedulable":true');
});

describe("writes", () => {
  test("are the tool's own, by its pod on that node", () => {
    const text = writeOf("lock", "n7").toString();
    expect(text).toContain("PATCH /api/v1/nodes/n7 HTTP/1.1");
    expect(text).toContain(`Impersonate-User: ${HOLDER}`);
    expect(text).toContain("node-name: n7");
    expect(text.endsWith('\r\n\r\n{"spec":{"unschedulable":true}}')).toBe(true);
    expect(writeOf("release", "n7").toString()).toContain('{"spec":{"unschedulable":null}}');
  });

  test("reach every node once, whoever sends them", () => {
    const left = nodeNames("nothing", 3).values();
    const [one, other] = [writesOf("lock", left), writesOf("lock", left)];
    const sent = [one, other, one].map((requests) => Buffer.from(requests.next()).toString());
    expect(sent.map((text) => /nodes\/(\S+)/.exec(text)?.[1])).toEqual(nodeNames("nothing", 3));
    expect(() => other.next()).toThrow("more writes than nodes");
  });

  const body = (spec: object): Buffer => Buffer.from(JSON.stringify({ metadata: { name: "n1" }, spec }));
  test.each<[Phase, number, object]>([
    ["lock", 200, {}],
    ["lock", 500, { unschedulable: true }],
    ["release", 200, { unschedulable: true }],
    ["release", 403, {}],
  ])("%s answered by %i %j ends the run", (phase, status, spec) => {
    expect(() => checkAnswer(phase, "n1", { status, body: body(spec) })).toThrow(`${phase} of n1`);
  });

  test("answered as they should be go on", () => {
    expect(() =>
      checkAnswer("lock", "n1", { status: 200, body: body({ unschedulable: true }) }),
    ).not.toThrow();
    expect(() => checkAnswer("release", "n1", { status: 200, body: body({}) })).not.toThrow();
  });
});

describe("what a storm leaves", () => {
  const [name = ""] = nodeNames("nodelatch", 1);
  const lock = { holder: HOLDER, holderNode: name, nodeUID: "u", bootID: "b" };
  const node = (record: object | undefined, unschedulable: boolean, side: Side = "nodelatch") => ({
    metadata: {
      name: nodeNames(side, 1)[0],
      uid: "u",
      annotations: record === undefined ? {} : { [LOCK_ANNOTATION]: writeRecord(lockRecord(record)) },
    },
    spec: { unschedulable },
    status: { nodeInfo: { bootID: "b" } },
  });
  const wrong = (phase: Phase, left: object, side: Side = "nodelatch"): number =>
    countWrong(side, phase, [left], 1);

  test("is right", () => {
    expect(wrong("lock", node(lock, true))).toBe(0);
    expect(wrong("release", node(undefined, false))).toBe(0);
    expect(wrong("lock", node(undefined, true, "nothing"), "nothing")).toBe(0);
  });

  test.each<[string, Phase, object, Side?]>([
    ["no lock", "lock", node(undefined, true)],
    ["no cordon", "lock", node(lock, false)],
    ["another holder", "lock", node({ ...lock, holder: "bob" }, true)],
    ["another pod", "lock", node({ ...lock, holderNode: "n2" }, true)],
    ["another node", "lock", node({ ...lock, nodeUID: "v" }, true)],
    ["another boot", "lock", node({ ...lock, bootID: "c" }, true)],
    ["a lock that stayed", "release", node(lock, false)],
    ["a cordon that stayed", "release", node(undefined, true)],
    ["a lock where nobody locks", "lock", node(lock, true, "nothing"), "nothing"],
  ])("is wrong: %s", (_what, phase, left, side) => {
    expect(wrong(phase, left, side)).toBe(1);
  });

  test("is wrong where a node is gone", () => {
    expect(countWrong("nodelatch", "lock", [], 1)).toBe(1);
  });
});

test("the ratio is that of whole storms, and lost locks are told", () => {
  const pass = (side: Side, phase: Phase, elapsedMillis: number, wrong = 0): Pass => ({
    side,
    phase,
    elapsedMillis,
    latenciesMillis: [1, 2],
    cpuMillis: { webhook: 1, apiServer: 2 },
    wrong,
  });
  const round = (factor: number, wrong: number) => [
    pass("nothing", "lock", 100 * factor),
    pass("nodelatch", "lock", 110 * factor, wrong),
    pass("nodelatch", "release", 150 * factor),
    pass("nothing", "release", 100 * factor),
  ];
  const { result } = reportOf([round(1, 0), round(10, 2), round(2, 0)], 1_000, 100);
  expect(result).toMatchObject({ name: "reboot-storm", ratio: 1.3, ours: 520, reference: 400, n: 6_000 });
  expect(result).toMatchObject({ lock: 1.1, release: 1.5, lost: 2, leftBehind: 0, rounds: 3 });
});
