import { describe, expect, it } from "vitest";
import { drawersToDrop, type SizedDrawer } from "./prune.ts";

const DAY = 86_400;
const HOUR = 3_600;
const keeping = { seconds: 14 * DAY, bytes: 1_000 };
const now = { observedSeconds: 100 * DAY, wallMillis: 100 * DAY * 1_000 };
const none = new Set<string>();

/** @param seen, dated days ago by the agent's own time and by the clock's */
function drawer(path: string, seen: number, dated = seen, bytes = 10): SizedDrawer {
  return {
    path,
    number: 1,
    files: 1,
    bytes,
    origin: {
      directory: "/x",
      kind: "lease",
      observedSeconds: now.observedSeconds - seen * DAY,
      wallMillis: now.wallMillis - dated * DAY * 1_000,
    },
  };
}

const dropped = (drawers: readonly SizedDrawer[], inUse: ReadonlySet<string> = none) =>
  drawersToDrop(drawers, keeping, now, inUse).map(({ path }) => path);

describe("too old", () => {
  it("is what both the agent and the clock saw for the whole time", () => {
    expect(dropped([drawer("old", 15), drawer("young", 13)])).toEqual(["old"]);
  });

  it("is nothing while an hour in which it was filled is missing", () => {
    const edge = drawer("edge", 14);
    expect(dropped([edge])).toEqual([]);
    expect(drawersToDrop([edge], { ...keeping, seconds: 14 * DAY - HOUR }, now, none)).toEqual([edge]);
  });

  it.each([
    ["the clock was set forward", drawer("x", 1, 3_000)],
    ["the clock was set back", drawer("x", 15, -400)],
    ["the agent was away", drawer("x", 2, 90)],
  ])("is nothing where %s", (_, one) => {
    expect(dropped([one])).toEqual([]);
  });

  it("is never what is in use", () => {
    expect(dropped([drawer("old", 15), drawer("older", 16)], new Set(["old"]))).toEqual(["older"]);
  });

  it("is what has no record and no files, and not what has files", () => {
    const strange = { ...drawer("strange", 0), origin: undefined };
    expect(dropped([{ ...strange, files: 0 }, strange])).toEqual(["strange"]);
    expect(dropped([strange])).toEqual([]);
  });
});

describe("too much", () => {
  it("goes oldest first until the rest fits", () => {
    expect(dropped([drawer("a", 5, 5, 400), drawer("b", 4, 4, 400), drawer("c", 3, 3, 400)])).toEqual(["a"]);
    expect(dropped([drawer("a", 5, 5, 500), drawer("b", 4, 4, 500)])).toEqual([]);
  });

  it("does not count what goes for its age", () => {
    expect(dropped([drawer("old", 15, 15, 900), drawer("b", 4, 4, 600), drawer("c", 3, 3, 400)])).toEqual([
      "old",
    ]);
    const more = [drawer("old", 15, 15, 900), drawer("b", 4, 4, 600), drawer("c", 3, 3, 600)];
    expect(dropped(more)).toEqual(["old", "b"]);
  });

  it("is never the last one, nor what is in use", () => {
    expect(dropped([drawer("a", 5, 5, 9_000)])).toEqual([]);
    expect(dropped([drawer("a", 5, 5, 9_000), drawer("b", 4), drawer("c", 3)], new Set(["a"]))).toEqual([
      "b",
    ]);
  });
});
