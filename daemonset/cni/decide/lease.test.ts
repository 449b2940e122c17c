import { describe, expect, test } from "vitest";
import { makeDice } from "../../../program/testing/dice.ts";
import { parseLease } from "../lease/content.ts";
import { proven, sandboxID, type Alive } from "../testing/proven.ts";
import { judgeLease, LEASE_KEEPS, type LeaseContext, type LeaseFacts, type LeaseVerdict } from "./lease.ts";
import { obstacleOf, type Past } from "./ownership.ts";
import { LEASE_KEPT_BECAUSE, REMOVED_BECAUSE } from "./words.ts";

const ID = sandboxID(1);
const MINUTES = 60_000;

const STRANGER: Past = { wasListed: false, isFromEarlierBoot: false, orphanMillis: undefined };
const LISTED: Past = { ...STRANGER, wasListed: true };
const OLD: Past = { ...STRANGER, isFromEarlierBoot: true };
const TWICE: Past = { ...STRANGER, orphanMillis: 10 * MINUTES };

interface Case {
  readonly content?: string;
  readonly past?: Past;
  readonly alive?: Alive;
  readonly context?: Partial<LeaseContext>;
  readonly network?: Partial<LeaseContext["network"]>;
}

function judge({ content = `${ID}\r\neth0`, past = LISTED, alive, context, network }: Case): LeaseVerdict {
  const facts: LeaseFacts = { address: "10.42.0.7", content: parseLease(content), past };
  return judgeLease(facts, {
    network: { retains: false, mapping: "held", ...network },
    obstacle: undefined,
    liveness: proven(alive),
    graceMillis: 10 * MINUTES,
    blankLeases: true,
    ...context,
  });
}

const keep = (why: string) => ({ kind: "keep", why });
const remove = (rule: string) => ({ kind: "remove", rule });

/** Each removal's condition alone is what makes it one; cases are those of facts/cni-state.md 6. */
describe("what goes", () => {
  test.each<[string, Case, string]>([
    ["its id was listed, and is nowhere now", {}, "listed-before"],
    ["it was there before this boot", { past: OLD }, "earlier-boot"],
    ["nobody's for ten minutes", { past: TWICE }, "seen-twice"],
    ["case 1: the address of another family", { content: `${ID}\r\neth0` }, "listed-before"],
    ["case 2: the interface of a second network", { content: `${ID}\r\nnet1` }, "listed-before"],
    ["case 13: empty, of an earlier boot", { content: "", past: OLD }, "earlier-boot"],
    ["case 13: empty, for ten minutes", { content: "", past: TWICE }, "seen-twice"],
    ["case 13: zeros", { content: "\0".repeat(70), past: OLD }, "earlier-boot"],
    ["case 15: an id that was cut short", { content: ID.slice(0, 37), past: OLD }, "earlier-boot"],
    ["case 16: the id alone", { content: ID }, "listed-before"],
    ["case 16: an end of line behind", { content: `${ID}\r\neth0\n` }, "listed-before"],
    ["case 16: LF alone", { content: `${ID}\neth0` }, "listed-before"],
    ["another sandbox runs", { alive: { ready: [sandboxID(2)] } }, "listed-before"],
    ["another address is in use", { alive: { addresses: ["10.42.0.70"] } }, "listed-before"],
    ["no sandbox uses the network", { network: { mapping: "silent" } }, "listed-before"],
    ["by hand, with a lease of a running one", { alive: { ownedBy: "ready-lease-needed" } }, "listed-before"],
    ["empty ones stay, this one is not", { context: { blankLeases: false } }, "listed-before"],
  ])("%s", (_what, given, rule) => {
    expect(judge(given)).toEqual(remove(rule));
  });
});

describe("what stays", () => {
  test.each<[string, Case, string]>([
    ["case 4: its sandbox runs", { alive: { ready: [ID] } }, "in-use"],
    ["case 4: its sandbox has ended and is listed", { alive: { notReady: [ID] } }, "not-ready"],
    ["a state that nobody knows", { alive: { unrecognized: [ID] } }, "unrecognized-sandbox"],
    ["case 5: just being made, in containerd's own list", { alive: { others: [ID] } }, "known-elsewhere"],
    ["case 5: just being made, in no list", { past: STRANGER }, "seen-too-briefly"],
    ["a moment short of ten minutes", { past: { ...STRANGER, orphanMillis: 599_999 } }, "seen-too-briefly"],
    [
      "a shorter grace in the settings",
      { past: { ...STRANGER, orphanMillis: 599_999 }, context: { graceMillis: 0 } },
      "seen-too-briefly",
    ],
    ["a longer one", { past: TWICE, context: { graceMillis: 11 * MINUTES } }, "seen-too-briefly"],
    ["case 7: the lists can't be had", unproven("no answer"), "unproven"],
    ["case 8: own sandbox in no list", unproven("own pod is not listed"), "unproven"],
    ["case 8: lists without an answer at all", { context: { liveness: undefined } }, "unproven"],
    ["case 9: one of two runtimes is missing", missing(["/run/cri-dockerd.sock"]), "runtime-missing"],
    ["case 11: nerdctl's id", { content: `default-${ID}\r\neth0` }, "foreign-content"],
    ["case 12: an administrator's", { content: "reserved" }, "foreign-content"],
    ["case 13: empty, first seen", { content: "", past: STRANGER }, "seen-too-briefly"],
    [
      "case 13: empty ones stay",
      { content: "", past: OLD, context: { blankLeases: false } },
      "blank-switched-off",
    ],
    [
      "case 13: empty, and its address lives",
      { content: "", past: OLD, alive: { addresses: ["10.42.0.7"] } },
      "address-in-use",
    ],
    ["an empty one was never listed", { content: "", past: LISTED }, "seen-too-briefly"],
    ["case 14: OpenYurt keeps addresses here", { network: { retains: true } }, "retention"],
    ["case 14: also empty ones", { content: "", past: OLD, network: { retains: true } }, "retention"],
    ["case 15: cut short, first seen", { content: ID.slice(0, 37), past: STRANGER }, "seen-too-briefly"],
    ["case 28: resumed, so its sandbox runs", { past: OLD, alive: { ready: [ID] } }, "in-use"],
    ["case 31: its DEL fails, so it is listed", { past: OLD, alive: { notReady: [ID] } }, "not-ready"],
    ["its address is configured somewhere", { alive: { addresses: ["10.42.0.7"] } }, "address-in-use"],
    ["running sandboxes have no lease here", { network: { mapping: "broken" } }, "mapping-broken"],
    [
      "by hand, and running ones have none",
      { alive: { ownedBy: "ready-lease-needed" }, network: { mapping: "silent" } },
      "mapping-unproven",
    ],
  ])("%s", (_what, given, why) => {
    expect(judge(given)).toEqual(keep(why));
  });
});

function unproven(reason: string): Case {
  const obstacle = obstacleOf({ kind: "unproven", reason }, []);
  return { context: { obstacle, liveness: undefined } };
}

function missing(hostPaths: readonly string[]): Case {
  const liveness = proven();
  return { context: { obstacle: obstacleOf(liveness, hostPaths), liveness } };
}

test("an obstacle is one even if lists are given", () => {
  const obstacle = { kind: "unproven", reason: "own pod is not listed" } as const;
  expect(judge({ context: { obstacle } })).toEqual(keep("unproven"));
  expect(obstacleOf(proven(), [])).toBeUndefined();
});

test("every verdict has its words", () => {
  for (const why of LEASE_KEEPS) expect(LEASE_KEPT_BECAUSE[why].length).toBeGreaterThan(10);
  for (const text of Object.values(REMOVED_BECAUSE)) expect(text.length).toBeGreaterThan(10);
});

test("whatever the facts, what lives or may live stays", () => {
  const dice = makeDice(20_261_121);
  const flip = (): boolean => dice() < 0.5;
  let removed = 0;
  for (let turn = 0; turn < 20_000; turn += 1) {
    const content = [`${ID}\r\neth0`, ID, "", ID.slice(0, 20), "note"][Math.floor(dice() * 5)] ?? "";
    const alive: Alive = {
      ready: dice() < 0.1 ? [ID] : [sandboxID(2)],
      notReady: dice() < 0.1 ? [ID] : [],
      others: dice() < 0.1 ? [ID] : [],
      addresses: dice() < 0.1 ? ["10.42.0.7"] : [],
      ownedBy: flip() ? "own-pod" : "ready-lease-needed",
    };
    const past: Past = {
      wasListed: flip(),
      isFromEarlierBoot: flip(),
      orphanMillis: flip() ? undefined : dice() * 20 * MINUTES,
    };
    const mapping = (["held", "silent", "broken"] as const)[Math.floor(dice() * 3)] ?? "broken";
    const network = { retains: dice() < 0.1, mapping };
    const verdict = judge({ content, past, alive, network });
    const isOwned = content.startsWith(ID);
    const lives =
      (isOwned && [alive.ready, alive.notReady, alive.others].some((ids) => ids?.includes(ID))) ||
      alive.addresses?.length === 1;
    const proof =
      (isOwned && past.wasListed) || past.isFromEarlierBoot || (past.orphanMillis ?? 0) >= 10 * MINUTES;
    const mapped = mapping === "held" || (mapping === "silent" && alive.ownedBy === "own-pod");
    const may = !lives && proof && mapped && !network.retains && content !== "note";
    expect(verdict.kind).toBe(may ? "remove" : "keep");
    if (may) removed += 1;
  }
  expect(removed).toBeGreaterThan(1_000);
});
