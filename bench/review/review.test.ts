import { expect, test } from "vitest";
import { createGuard } from "../../webhook/guard.ts";
import { parseReview } from "../../webhook/parse-review.ts";
import { deniedUncordonReview, reviewRequests } from "./denied-uncordon.ts";
import { lockedNode } from "./locked-node.ts";
import { guardSettings } from "../../lock/fixture.ts";

test.each([4_000, 9_000, 20_000])("a locked node of %i bytes is that large, or a little less", (bytes) => {
  const size = JSON.stringify(lockedNode({ name: "n1", bytes })).length;
  expect(size).toBeLessThanOrEqual(bytes);
  expect(size).toBeGreaterThan(bytes - 250);
});

test("the guard itself reads the review and refuses it as not the holder's", async () => {
  const review = deniedUncordonReview(20_000);
  expect(review.length).toBeLessThanOrEqual(20_000);
  expect(review.length).toBeGreaterThan(19_400);
  const parsed = parseReview(review);
  if (parsed.kind === "bad") throw new Error(parsed.message);
  if (!("node" in parsed.review)) throw new Error("expected a review of a Node");
  const guard = createGuard({
    settings: guardSettings(),
    nowMillis: () => Date.parse("2026-11-21T09:30:00Z"),
    mayOverride: () => Promise.reject(new Error("not to be asked")),
    onRefusedUncordon: () => undefined,
    onRequestedUncordon: () => undefined,
    onOverride: () => undefined,
  });
  expect(await guard(parsed.review, new AbortController().signal)).toMatchObject({
    kind: "refuse",
    decision: "not-holder",
  });
});

test("each request has a uid of its own and takes only the denial of it", () => {
  const requests = reviewRequests(deniedUncordonReview(20_000), "/guard?timeout=3s");
  const uidOf = (bytes: Uint8Array): string =>
    /"uid":"([^"]+)"/.exec(Buffer.from(bytes).toString())?.[1] ?? "";
  const first = uidOf(requests.next());
  const denial = (uid: string, allowed: boolean) => ({
    status: 200,
    body: Buffer.from(JSON.stringify({ response: { uid, allowed } })),
  });
  expect(() => requests.check(denial(first, false))).not.toThrow();
  expect(() => requests.check(denial(first, true))).toThrow(/expected a denial/);
  expect(() => requests.check({ ...denial(first, false), status: 503 })).toThrow(/got 503/);
  const second = uidOf(requests.next());
  expect(second).not.toBe(first);
  expect(() => requests.check(denial(first, false))).toThrow(/expected a denial/);
  expect(() => requests.check(denial(second, false))).not.toThrow();
});
