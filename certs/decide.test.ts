import { expect, test } from "vitest";
import { issueAuthority, type Authority } from "./authority.ts";
import { decide, type Decision, type Remembered, type Situation } from "./decide.ts";
import { issueLeaf } from "./leaf.ts";
import { checkPair, type PairCheck } from "./pair.ts";
import type { SecretReading } from "./secret.ts";

const DAY = 86_400_000;
const now = Date.UTC(2030, 0, 1);
const names = ["hook.ns.svc"];
const leafLifeMillis = 30 * DAY;

const fresh = issueAuthority(now - 60 * DAY, 365 * DAY);
const middleAged = issueAuthority(now - 244 * DAY, 365 * DAY);
const young = issueAuthority(now - 243 * DAY, 365 * DAY);
const staged = issueAuthority(now, 365 * DAY);
const stagedLongAgo = issueAuthority(now - 300 * DAY, 365 * DAY);
const memory = remember(issueAuthority(now - DAY, 365 * DAY));
const expiredMemory = remember(issueAuthority(now - 10 * DAY, 5 * DAY));

function remember(authority: Authority): Remembered {
  return { authority, trusted: [authority.certificate] };
}

function pairOf(authority: Authority, issuedMillis: number, lifeMillis = leafLifeMillis): PairCheck {
  const leaf = issueLeaf(authority, names, issuedMillis, lifeMillis);
  return checkPair({ ...leaf, caPem: authority.certPem }, names, now);
}

const broken: PairCheck = { kind: "bad", problems: ["the key can't be read"] };
const bad = { kind: "bad", problem: "the key can't be read" } as const;
const none = { kind: "none" } as const;
const good = (authority: Authority) => ({ kind: "good", authority }) as const;

const sound: SecretReading = {
  owner: { kind: "ours", because: "annotation" },
  pair: pairOf(fresh, now),
  authority: good(fresh),
  next: none,
  trusted: [fresh.certificate],
  asked: undefined,
};
const foreign: SecretReading = {
  ...sound,
  owner: { kind: "foreign", because: "annotation cert-manager.io/x" },
};

function decideOn(reading: Partial<SecretReading> | "absent", more: Partial<Situation> = {}): Decision {
  return decide({
    reading: reading === "absent" ? undefined : { ...sound, ...reading },
    remembered: undefined,
    nextSettled: false,
    nowMillis: now,
    leafLifeMillis,
    ...more,
  });
}

test.each<[string, Partial<SecretReading> | "absent", Partial<Situation>, Decision["kind"]]>([
  // absent
  ["no Secret, nothing remembered: the first start", "absent", {}, "start-over"],
  ["no Secret, but remembered: put back", "absent", { remembered: memory }, "restore"],
  ["no Secret, the remembered authority is expired", "absent", { remembered: expiredMemory }, "start-over"],
  // foreign
  ["someone else's and good", foreign, {}, "keep"],
  ["someone else's and bad", { ...foreign, pair: broken }, {}, "refuse"],
  ["someone else's and empty", { ...foreign, pair: none }, {}, "refuse"],
  [
    "someone else's and bad, though we remember better",
    { ...foreign, pair: broken },
    { remembered: memory },
    "refuse",
  ],
  ["someone else's with an old leaf", { ...foreign, pair: pairOf(fresh, now - 25 * DAY) }, {}, "keep"],
  ["someone else's with a renewal asked for", { ...foreign, asked: "all" }, {}, "keep"],
  // ours, sound
  ["all is well", {}, {}, "keep"],
  ["leaf just short of two thirds", { pair: pairOf(fresh, now - 20 * DAY + 1000) }, {}, "keep"],
  ["leaf at two thirds", { pair: pairOf(fresh, now - 20 * DAY) }, {}, "renew-leaf"],
  ["leaf bad", { pair: broken }, {}, "renew-leaf"],
  ["leaf missing", { pair: none }, {}, "renew-leaf"],
  ["a leaf asked for", { asked: "leaf" }, {}, "renew-leaf"],
  ["authority just short of two thirds", { authority: good(young) }, {}, "keep"],
  ["authority past two thirds", { authority: good(middleAged) }, {}, "stage"],
  [
    "authority past two thirds and leaf bad: the leaf first",
    { authority: good(middleAged), pair: broken },
    {},
    "renew-leaf",
  ],
  ["all asked for", { asked: "all" }, {}, "stage"],
  ["next staged, not in the caBundles", { next: good(staged) }, {}, "keep"],
  ["next staged and settled", { next: good(staged) }, { nextSettled: true }, "promote"],
  [
    "next staged and settled, leaf bad",
    { next: good(staged), pair: broken },
    { nextSettled: true },
    "promote",
  ],
  [
    "next staged, not settled, leaf due: no waiting",
    { next: good(staged), pair: pairOf(fresh, now - 21 * DAY) },
    {},
    "renew-leaf",
  ],
  ["all asked for while next waits", { next: good(staged), asked: "all" }, {}, "keep"],
  ["next grew old while it waited", { next: good(stagedLongAgo) }, {}, "stage"],
  ["next is garbage", { next: bad }, {}, "drop-next"],
  ["next is garbage, and settled says nothing", { next: bad }, { nextSettled: true }, "drop-next"],
  ["next is garbage and a new one is due", { next: bad, authority: good(middleAged) }, {}, "stage"],
  // ours, authority broken
  ["authority garbage, leaf good: keep serving, stage", { authority: bad }, {}, "stage"],
  ["authority missing, leaf good, next waits", { authority: none, next: good(staged) }, {}, "keep"],
  [
    "authority missing, next settled",
    { authority: none, next: good(staged) },
    { nextSettled: true },
    "promote",
  ],
  ["authority garbage, but remembered", { authority: bad }, { remembered: memory }, "restore"],
  ["both garbage, but remembered", { authority: bad, pair: broken }, { remembered: memory }, "restore"],
  [
    "both garbage, next waits: better than nothing",
    { authority: bad, pair: broken, next: good(staged) },
    {},
    "promote",
  ],
  [
    "both garbage, remembered, next waits",
    { authority: bad, pair: broken, next: good(staged) },
    { remembered: memory },
    "restore",
  ],
  ["both garbage, nothing else", { authority: bad, pair: broken }, {}, "start-over"],
  [
    "both garbage, remembered but expired",
    { authority: bad, pair: broken },
    { remembered: expiredMemory },
    "start-over",
  ],
  ["an empty Secret, as the chart makes it", { authority: none, pair: none, trusted: [] }, {}, "start-over"],
])("%s", (_name, reading, more, expected) => {
  expect(decideOn(reading, more).kind).toBe(expected);
});

test("a leaf that ends with its authority is not renewed again and again towards that end", () => {
  const ending = issueAuthority(now - 355 * DAY, 365 * DAY);
  const reading = {
    authority: good(ending),
    pair: pairOf(ending, now - 20 * DAY),
    next: good(staged),
  };
  expect(decideOn(reading).kind).toBe("keep");
});

test("after a deletion new certificates are prepared too, after a mere repair they are not", () => {
  expect(decideOn("absent", { remembered: memory })).toMatchObject({ stage: true });
  expect(decideOn({ authority: bad, pair: broken }, { remembered: memory })).toMatchObject({ stage: false });
});

test("the leaf is renewed by the signing authority, and promoted is the next one", () => {
  expect(decideOn({ pair: broken, next: good(staged) })).toMatchObject({ authority: fresh });
  expect(decideOn({ next: good(staged) }, { nextSettled: true })).toMatchObject({ authority: staged });
});

test("a refusal says whose the Secret is, what is wrong with it, and what to do", () => {
  expect(decideOn({ ...foreign, pair: { kind: "bad", problems: ["expired at noon", "no key"] } })).toEqual({
    kind: "refuse",
    reason:
      "the Secret is someone else's (annotation cert-manager.io/x) and can't be served: expired at noon; no key: " +
      "renew it where it comes from, or delete the Secret to let nodelatch make its own",
  });
});
