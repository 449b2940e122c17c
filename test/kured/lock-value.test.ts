import { expect, test } from "vitest";
import { acquireIn, holdsIn, releaseIn, type KuredHold } from "./lock-value.ts";

const hold = (nodeID: string): KuredHold => ({
  nodeID,
  metadata: { unschedulable: false },
  created: "2026-11-21T09:00:00Z",
  TTL: 0,
});

test("one holder: the value is the hold, and it goes as a whole", () => {
  const taken = acquireIn(undefined, hold("n1"), 1);
  expect(taken).toEqual({ kind: "held", value: JSON.stringify(hold("n1")) });
  const value = JSON.stringify(hold("n1"));
  expect(acquireIn(value, hold("n2"), 1)).toEqual({ kind: "full", holders: ["n1"] });
  expect(acquireIn(value, hold("n1"), 1)).toEqual({ kind: "held", value: undefined });
  expect(holdsIn(value, 1)).toEqual([hold("n1")]);
  expect(releaseIn(value, "n1", 1)).toBeNull();
});

test("two holders: a list, from which each takes its own", () => {
  const one = JSON.stringify({ maxOwners: 2, locks: [hold("n1")] });
  const two = JSON.stringify({ maxOwners: 2, locks: [hold("n1"), hold("n2")] });
  expect(acquireIn(undefined, hold("n1"), 2)).toEqual({ kind: "held", value: one });
  expect(acquireIn(one, hold("n2"), 2)).toEqual({ kind: "held", value: two });
  expect(acquireIn(two, hold("n3"), 2)).toEqual({ kind: "full", holders: ["n1", "n2"] });
  expect(releaseIn(two, "n2", 2)).toBe(one);
  expect(releaseIn(one, "n1", 2)).toBe('{"maxOwners":2,"locks":[]}');
});

test("a value of the other form is nobody's", () => {
  expect(holdsIn('{"nodeID":"manual"}', 2)).toEqual([]);
  expect(holdsIn(JSON.stringify(hold("n1")), 2)).toEqual([]);
  expect(holdsIn('{"nodeID":"manual"}', 1)).toEqual([]);
});
