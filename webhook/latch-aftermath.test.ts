/** A kept uncordon at the end of its lock: who is asked, what is written, and what the caller reads. */
import { expect, test } from "vitest";
import { guardSettings, latchSettings, locked, lockRecord, NOW, rewritten } from "../lock/fixture.ts";
import type { Aftermath } from "../lock/message.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "../lock/node.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../lock/requested-uncordon.ts";
import { caller, updateOf } from "./fixture.ts";
import { createLatch } from "./latch.ts";
import type { NodeReview, Verdict } from "./review.ts";

const never = new AbortController().signal;
const BOBS = '{"at":"2026-11-21T09:30:00Z","by":"bob","groups":["ops"]}';
const old = locked(lockRecord(), { annotations: { [UNCORDON_REQUESTED_ANNOTATION]: BOBS } });
const stripped = rewritten(old, { annotations: { [LOCK_ANNOTATION]: null } });
const guard = guardSettings();

function latching(answer: "allowed" | "denied" | "unknown") {
  const asked: unknown[] = [];
  const aftermaths: Aftermath[] = [];
  const handle = createLatch({
    settings: latchSettings(),
    guard,
    nowMillis: () => NOW,
    mayUncordon: (user, node) => {
      asked.push([user, node]);
      return Promise.resolve(answer);
    },
    onAftermath: (aftermath) => aftermaths.push(aftermath),
  });
  return { handle, asked, aftermaths };
}

const opsOf = (verdict: Verdict) =>
  verdict.kind === "allow" ? verdict.patch.map(({ op, path }) => `${op} ${path}`) : [];
const GONE = "remove /metadata/annotations/nodelatch.io~1uncordon-requested";
const UNCORDONED = "remove /spec/unschedulable";

async function ended(answer: "allowed" | "denied" | "unknown", part: Partial<NodeReview> = {}) {
  const made = latching(answer);
  const verdict = await made.handle(updateOf(old, stripped, caller("alice"), part), never);
  return { ...made, verdict };
}

test("it is carried out in the same write where its sender may still write the node", async () => {
  const { verdict, asked, aftermaths } = await ended("allowed");
  expect(asked).toEqual([[{ username: "bob", groups: ["ops"] }, "n1"]]);
  expect(opsOf(verdict)).toEqual([GONE, UNCORDONED]);
  expect(verdict).toMatchObject({
    decision: "released",
    warnings: ["nodelatch: n1 is uncordoned with this, as bob was refused it while it was locked"],
    audit: { decision: "released", "kept-uncordon": "carried-out", "kept-uncordon-of": "bob" },
  });
  expect(aftermaths).toEqual(["carried-out"]);
});

test.each([
  [
    "denied",
    "denied",
    "nodelatch: n1 stays cordoned: bob, who was refused an uncordon, may not write it now",
  ],
  [
    "unknown",
    "unanswered",
    "nodelatch: n1 stays cordoned: can't tell whether bob, refused before, may uncordon it",
  ],
] as const)(
  "with the answer %s the node stays cordoned, and its caller is told",
  async (answer, aftermath, warning) => {
    const { verdict, aftermaths } = await ended(answer);
    expect(opsOf(verdict)).toEqual([GONE]);
    expect(verdict).toMatchObject({ warnings: [warning], audit: { "kept-uncordon": aftermath } });
    expect(aftermaths).toEqual([aftermath]);
  },
);

test("through nodes/status nobody is asked, and the node stays cordoned", async () => {
  const { verdict, asked, aftermaths } = await ended("allowed", { subresource: "status" });
  expect(asked).toEqual([]);
  expect(opsOf(verdict)).toEqual([GONE]);
  expect(verdict.warnings).toEqual([
    "nodelatch: n1 stays cordoned although bob was refused an uncordon while it was locked",
  ]);
  expect(aftermaths).toEqual(["left"]);
});

test("for a request that the guard refuses nobody is asked, and nothing is said", async () => {
  const { handle, asked, aftermaths } = latching("allowed");
  const verdict = await handle(updateOf(old, stripped, caller("eve")), never);
  expect(asked).toEqual([]);
  expect(aftermaths).toEqual([]);
  expect(verdict).toMatchObject({ warnings: [] });
  expect(opsOf(verdict)).not.toContain(UNCORDONED);
});

test("an override is asked about: whether it may be is the guard's to find out", async () => {
  const { handle, asked } = latching("allowed");
  const broken = rewritten(old, { annotations: { [OVERRIDE_ANNOTATION]: "fire" } });
  const verdict = await handle(updateOf(old, broken, caller("carol")), never);
  expect(asked).toHaveLength(1);
  expect(opsOf(verdict)).toContain(UNCORDONED);
});

test("a dry run is answered alike and not counted", async () => {
  const { verdict, aftermaths } = await ended("allowed", { dryRun: true });
  expect(opsOf(verdict)).toEqual([GONE, UNCORDONED]);
  expect(aftermaths).toEqual([]);
});

test("without a kept uncordon the answer comes at once", () => {
  const { handle } = latching("allowed");
  const plain = locked(lockRecord());
  const verdict = handle(
    updateOf(plain, rewritten(plain, { annotations: { [LOCK_ANNOTATION]: null } }), caller("alice")),
    never,
  );
  expect(verdict).not.toBeInstanceOf(Promise);
});
