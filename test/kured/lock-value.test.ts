import { expect, test } from "vitest";
import { acquireIn, holdsIn, releaseIn, type Acquired, type KuredHold } from "./lock-value.ts";

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
  expect(releaseIn(value, "n1", 1)).toEqual({ kind: "released", value: null });
});

test("two holders: a list, from which each takes its own", () => {
  const one = JSON.stringify({ maxOwners: 2, locks: [hold("n1")] });
  const two = JSON.stringify({ maxOwners: 2, locks: [hold("n1"), hold("n2")] });
  expect(acquireIn(undefined, hold("n1"), 2)).toEqual({ kind: "held", value: one });
  expect(acquireIn(one, hold("n2"), 2)).toEqual({ kind: "held", value: two });
  expect(acquireIn(two, hold("n3"), 2)).toEqual({ kind: "full", holders: [] });
  expect(releaseIn(two, "n2", 2)).toEqual({ kind: "released", value: one });
  expect(releaseIn(one, "n1", 2)).toEqual({ kind: "released", value: '{"maxOwners":2,"locks":[]}' });
});

test("nobody lets go of another's lock", () => {
  for (const concurrency of [1, 2]) {
    const { value } = acquired(acquireIn(undefined, hold("n1"), concurrency));
    expect(releaseIn(value, "n2", concurrency)).toEqual({ kind: "not held" });
    expect(releaseIn(undefined, "n1", concurrency)).toEqual({ kind: "not held" });
  }
});

test("the documented freeze by hand stops a kured of one holder, not one of two", () => {
  const manual = '{"nodeID":"manual"}';
  expect(acquireIn(manual, hold("n1"), 1)).toEqual({ kind: "full", holders: ["manual"] });
  expect(holdsIn(manual, 2)).toEqual([]);
});

test("a value that is no JSON object is an error", () => {
  expect(() => holdsIn("manual", 1)).toThrow("JSON");
  expect(() => holdsIn('"manual"', 1)).toThrow('expected JSON objects, got "manual"');
  expect(() => holdsIn('{"locks":[1]}', 2)).toThrow("expected JSON objects");
});

function acquired(result: Acquired): Extract<Acquired, { kind: "held" }> {
  if (result.kind === "held") return result;
  throw new Error(`full: ${result.holders.join(", ")}`);
}
