import { describe, expect, test } from "vitest";
import { proven, sandboxID, type Alive } from "../testing/proven.ts";
import {
  CACHE_KEEPS,
  CORRUPT_GRACE_MILLIS,
  judgeCache,
  stumblesOverCorruptCaches,
  type CacheContext,
  type CacheFacts,
} from "./cache.ts";
import { CACHE_KEPT_BECAUSE } from "./words.ts";

const ID = sandboxID(1);

interface Case {
  readonly facts?: Partial<CacheFacts>;
  readonly alive?: Alive;
  readonly context?: Partial<CacheContext>;
}

const past = { wasListed: false, isFromEarlierBoot: false, orphanMillis: undefined };

function judge({ facts, alive, context }: Case) {
  const cache: CacheFacts = {
    id: ID,
    isKubernetes: true,
    past,
    leaseReleased: false,
    leaseKept: false,
    isCorrupt: false,
    corruptMillis: undefined,
    ...facts,
  };
  return judgeCache(cache, {
    obstacle: undefined,
    liveness: proven(alive),
    anyMappingHeld: true,
    graceMillis: 600_000,
    ...context,
  });
}

describe("what goes", () => {
  test.each<[string, Case, string]>([
    ["its lease went before it", { facts: { leaseReleased: true } }, "lease-released"],
    ["case 33: its id was listed", { facts: { past: { ...past, wasListed: true } } }, "listed-before"],
    ["of an earlier boot", { facts: { past: { ...past, isFromEarlierBoot: true } } }, "earlier-boot"],
    ["nobody's for ten minutes", { facts: { past: { ...past, orphanMillis: 600_000 } } }, "seen-twice"],
    [
      "case 31: broken, and containerd 1.7 can't stop its sandbox",
      {
        facts: { isCorrupt: true, corruptMillis: CORRUPT_GRACE_MILLIS },
        alive: { notReady: [ID], version: "1.7.24" },
      },
      "blocks-stop",
    ],
    [
      "broken, of a running one, which is going to be stopped some day",
      {
        facts: { isCorrupt: true, corruptMillis: CORRUPT_GRACE_MILLIS },
        alive: { ready: [ID], version: "1.6.20" },
      },
      "blocks-stop",
    ],
  ])("%s", (_what, given, rule) => {
    expect(judge(given)).toEqual({ kind: "remove", rule });
  });
});

describe("what stays", () => {
  const dead = { past: { ...past, wasListed: true }, leaseReleased: true };
  const corrupt = { ...dead, isCorrupt: true, corruptMillis: 60_000 };
  test.each<[string, Case, string]>([
    ["podman's", { facts: { ...dead, isKubernetes: false } }, "foreign"],
    ["unproven", { facts: dead, context: { obstacle: { kind: "unproven", reason: "x" } } }, "unproven"],
    ["no lists", { facts: dead, context: { liveness: undefined } }, "unproven"],
    [
      "a runtime is missing",
      { facts: dead, context: { obstacle: { kind: "runtime-missing", hostPaths: ["/a"] } } },
      "runtime-missing",
    ],
    [
      "by hand, nothing shows whose runtime it is",
      { facts: dead, alive: { ownedBy: "ready-lease-needed" }, context: { anyMappingHeld: false } },
      "mapping-unproven",
    ],
    ["its sandbox runs", { facts: dead, alive: { ready: [ID] } }, "in-use"],
    ["case 32: its sandbox is listed", { facts: dead, alive: { notReady: [ID] } }, "in-use"],
    ["a state that nobody knows", { facts: dead, alive: { unrecognized: [ID] } }, "in-use"],
    ["being made", { facts: corrupt, alive: { others: [ID] } }, "known-elsewhere"],
    ["its lease stays", { facts: { ...dead, leaseKept: true } }, "lease-kept"],
    ["first seen", {}, "seen-too-briefly"],
    ["too young", { facts: { past: { ...past, orphanMillis: 599_999 } } }, "seen-too-briefly"],
    ["broken on containerd 2", { facts: corrupt, alive: { notReady: [ID] } }, "corrupt-harmless"],
    [
      "broken a moment ago",
      {
        facts: { ...corrupt, corruptMillis: CORRUPT_GRACE_MILLIS - 1 },
        alive: { notReady: [ID], version: "1.7.24" },
      },
      "corrupt-too-briefly",
    ],
    [
      "broken at the first look",
      { facts: { ...corrupt, corruptMillis: undefined }, alive: { notReady: [ID], version: "1.7.24" } },
      "corrupt-too-briefly",
    ],
  ])("%s", (_what, given, why) => {
    expect(judge(given)).toEqual({ kind: "keep", why });
  });
});

test.each([
  ["containerd", "1.6.20", true],
  ["containerd", "v1.7.24-k3s1", true],
  ["containerd", "2.1.9", false],
  ["containerd", "1.10.0", false],
  ["cri-o", "1.7.0", false],
  ["containerd", "", false],
])("%s %s stumbles: %s", (name, version, stumbles) => {
  expect(stumblesOverCorruptCaches(name, version)).toBe(stumbles);
});

test("every verdict has its words", () => {
  for (const why of CACHE_KEEPS) expect(CACHE_KEPT_BECAUSE[why].length).toBeGreaterThan(10);
});
