import { expect, test } from "vitest";
import type { KeepOutcome, UncordonToKeep } from "../kube/requested-uncordons.ts";
import { createRequestedUncordons, type KeepResult, type RefusedRequest } from "./requested-uncordons.ts";

function refused(part: Partial<RefusedRequest> = {}): RefusedRequest {
  return {
    nodeName: "n1",
    nodeUID: "u1",
    username: "bob",
    groups: ["ops"],
    lock: "L",
    requestedBy: undefined,
    ...part,
  };
}

function keeping(keep: (wanted: UncordonToKeep, signal: AbortSignal) => Promise<KeepOutcome> = kept) {
  const clock = { millis: 0 };
  const results: KeepResult[] = [];
  const written: UncordonToKeep[] = [];
  const made = createRequestedUncordons({
    keep: (wanted, signal) => {
      written.push(wanted);
      return keep(wanted, signal);
    },
    wallMillis: () => Date.parse("2026-11-21T09:30:00Z") + clock.millis,
    monotonicMillis: () => clock.millis,
    onResult: (result) => results.push(result),
    writeTimeoutMillis: 50,
  });
  const writers = () => written.map(({ value }) => /"by":"([a-z]+)"/.exec(value)?.[1]);
  return { ...made, clock, results, written, writers };
}

const kept = (): Promise<KeepOutcome> => Promise.resolve("kept");

test("who asked, when and with which groups is written under the lock that refused it", async () => {
  const made = keeping();
  made.note(refused());
  await made.idle();
  const value = '{"at":"2026-11-21T09:30:00Z","by":"bob","groups":["ops"]}';
  expect(made.written).toEqual([{ nodeName: "n1", nodeUID: "u1", lock: "L", value }]);
  expect(made.results).toEqual(["kept"]);
});

test("a thousand refusals at once are one write, and none once the node shows it", async () => {
  const made = keeping();
  for (let sent = 0; sent < 1_000; sent += 1) made.note(refused());
  await made.idle();
  made.clock.millis = 3_600_000;
  for (let sent = 0; sent < 1_000; sent += 1) made.note(refused({ requestedBy: "bob" }));
  await made.idle();
  expect(made.written).toHaveLength(1);
  expect(made.results).toEqual(["kept"]);
});

test("somebody else's replaces it", async () => {
  const made = keeping();
  made.note(refused());
  await made.idle();
  made.note(refused({ username: "dave", requestedBy: "bob" }));
  await made.idle();
  expect(made.writers()).toEqual(["bob", "dave"]);
});

test("one that a person has removed is kept again with the next refusal, soon after", async () => {
  const made = keeping();
  made.note(refused());
  await made.idle();
  made.clock.millis = 9_999;
  made.note(refused());
  await made.idle();
  expect(made.written).toHaveLength(1);
  made.clock.millis = 10_000;
  made.note(refused());
  await made.idle();
  expect(made.written).toHaveLength(2);
});

test("two senders in a loop share the node's allowance; other nodes have theirs", async () => {
  const made = keeping();
  for (let turn = 0; turn < 20; turn += 1) {
    made.note(refused({ username: turn % 2 === 0 ? "bob" : "dave", requestedBy: made.writers().at(-1) }));
    await made.idle();
  }
  expect(made.writers()).toEqual(["bob", "dave", "bob"]);
  // From then on the node shows bob's, and only dave's would change it.
  expect(made.results.filter((result) => result === "limited")).toHaveLength(9);
  made.note(refused({ nodeName: "n2", nodeUID: "u2" }));
  await made.idle();
  expect(made.written).toHaveLength(4);
  made.clock.millis = 60_000;
  made.note(refused({ username: "dave", requestedBy: "bob" }));
  await made.idle();
  expect(made.written).toHaveLength(5);
});

test("one write at a time; while it lasts, the last to ask for a node is the one that is written next", async () => {
  let under = 0;
  let most = 0;
  const made = keeping(async () => {
    most = Math.max(most, (under += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    under -= 1;
    return "kept";
  });
  made.note(refused({ nodeName: "n2", nodeUID: "u2" }));
  for (const username of ["bob", "dave", "erin"]) made.note(refused({ username }));
  await made.idle();
  expect(made.written.map(({ nodeName }) => nodeName)).toEqual(["n2", "n1"]);
  expect(made.writers()).toEqual(["bob", "erin"]);
  expect(most).toBe(1);
});

test("a failed write is told, and the next refusal is tried at once", async () => {
  let fails = true;
  const made = keeping(() => (fails ? Promise.reject(new Error("no")) : kept()));
  made.note(refused());
  await made.idle();
  fails = false;
  made.note(refused());
  await made.idle();
  expect(made.results).toEqual(["failed", "kept"]);
});

test("a write that hangs is given up", async () => {
  const made = keeping(
    (_wanted, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("late")))),
  );
  made.note(refused());
  await made.idle();
  expect(made.results).toEqual(["failed"]);
});

test("nothing to keep it for any more is no failure", async () => {
  const made = keeping(() => Promise.resolve("gone"));
  made.note(refused());
  await made.idle();
  expect(made.results).toEqual(["gone"]);
});

test("more than a thousand nodes waiting, or a name too long to keep, are dropped", async () => {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const made = keeping(() => gate.then(() => "kept"));
  // The first is under way and waits no more.
  for (let node = 0; node < 1_002; node += 1)
    made.note(refused({ nodeName: `n${node}`, nodeUID: `u${node}` }));
  expect(made.results).toEqual(["dropped"]);
  go();
  await made.idle();
  expect(made.written).toHaveLength(1_001);
  made.note(refused({ nodeUID: "long", username: "b".repeat(3_000) }));
  await made.idle();
  expect(made.results.at(-1)).toBe("dropped");
});
