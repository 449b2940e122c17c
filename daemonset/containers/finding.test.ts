import { describe, expect, test } from "vitest";
import { clockSign, futureDates } from "./clock-sign.ts";
import { contactSign, FIRST_CONTACT, nextContact, type Answer, type Contact } from "./contact.ts";
import { findingText, Standing, type Finding, type Sign } from "./finding.ts";
import { container, look, sandbox } from "./fixture.ts";
import { inFlightSign, nextWatched, unlisted, type Watched } from "./in-flight.ts";
import { observationOf } from "./observation.ts";

const LABEL = "containerd at /run/containerd/containerd.sock";

describe("a create in flight", () => {
  test("is an ID that was being made before the lists and is in neither of them", () => {
    const observation = look([container({ id: "listed" })], 0, [sandbox({ id: "sandbox" })]);
    expect(unlisted(["listed", "sandbox", "hung"], observation)).toEqual(["hung"]);
    expect(unlisted([], observation)).toEqual([]);
  });

  test("is watched in bounded number", () => {
    const ids = Array.from({ length: 5_000 }, (_, index) => `id-${index}`);
    expect(unlisted(ids, look([]))).toHaveLength(100);
  });

  test("is said after 30 seconds in no list, not before", () => {
    const watched = nextWatched(new Map(), ["0123456789abcdef"], 1_000);
    expect(inFlightSign(LABEL, watched, 30_999).finding).toBeUndefined();
    expect(inFlightSign(LABEL, watched, 31_000).finding).toMatchObject({
      seen: "a create has been under way for 30 s (0123456789ab): the name is reserved, but the container is in no list",
    });
  });

  test("starts anew when it was listed or gone in between", () => {
    let watched: Watched = nextWatched(new Map(), ["a"], 0);
    watched = nextWatched(watched, [], 10_000);
    watched = nextWatched(watched, ["a"], 20_000);
    expect(inFlightSign(LABEL, watched, 40_000).finding).toBeUndefined();
    expect([...nextWatched(watched, ["a", "b"], 30_000)]).toEqual([
      ["a", 20_000],
      ["b", 30_000],
    ]);
  });

  test("of many names three, the longest wait and their number", () => {
    const hanging = (ids: readonly string[]) =>
      inFlightSign(LABEL, nextWatched(nextWatched(new Map(), ["a"], 0), ids, 20_000), 60_000).finding?.seen;
    expect(hanging(["a", "b", "c"])).toContain("3 creates have been under way for 60 s (a, b, c): the name");
    expect(hanging(["a", "b", "c", "d", "e"])).toContain("for 60 s (a, b, c and 2 more): the name");
  });
});

describe("a runtime", () => {
  const yes: Answer = { ok: true };
  const refused: Answer = { ok: false, failure: "unavailable", message: "connection refused" };
  const seen = (answers: readonly (readonly [number, Answer])[], nowMillis: number) => {
    let contact: Contact = FIRST_CONTACT;
    for (const [at, answer] of answers) contact = nextContact(contact, answer, at);
    return contactSign(LABEL, contact, nowMillis).finding?.seen;
  };

  test.each<[string, readonly (readonly [number, Answer])[], number, string | undefined]>([
    ["that answers is well", [[0, yes]], 0, undefined],
    ["never asked is well", [], 0, undefined],
    ["refused once may be restarting", [[0, refused]], 600_000, undefined],
    [
      "refused for less than a minute may be restarting",
      [
        [0, yes],
        [1_000, refused],
        [60_999, refused],
      ],
      60_999,
      undefined,
    ],
    [
      "refused for a minute after it had answered is down",
      [
        [0, yes],
        [1_000, refused],
        [61_000, refused],
      ],
      61_000,
      "has not answered for 60 s (2 tries): connection refused",
    ],
    [
      "that never answered says so",
      [
        [0, refused],
        [30_000, refused],
        [60_000, refused],
      ],
      60_000,
      "has not answered for 60 s (3 tries), nor ever since this agent started: connection refused",
    ],
    [
      "that hangs is down as well",
      [
        [0, { ok: false, failure: "deadline", message: "no answer within 2000 ms" }],
        [60_000, { ok: false, failure: "deadline", message: "no answer within 2000 ms" }],
      ],
      60_000,
      "has not answered for 60 s (2 tries), nor ever since this agent started: no answer within 2000 ms",
    ],
    [
      "that answers nonsense lives",
      [
        [0, refused],
        [30_000, { ok: false, failure: "nonsense", message: "?" }],
        [60_000, refused],
      ],
      60_000,
      undefined,
    ],
    [
      "that is back is well",
      [
        [0, yes],
        [1_000, refused],
        [61_000, refused],
        [70_000, yes],
      ],
      70_000,
      undefined,
    ],
  ])("%s", (_what, answers, nowMillis, expected) => {
    expect(seen(answers, nowMillis)).toBe(expected);
  });

  test("that went away three times within ten minutes is in a crash loop, though it answers now", () => {
    const loop = [0, 100_000, 200_000].flatMap(
      (at) =>
        [
          [at, yes],
          [at + 10_000, refused],
          [at + 15_000, refused],
        ] as const,
    );
    expect(seen([...loop, [300_000, yes]], 300_000)).toBe(
      "went away 3 times within 10 minutes: connection refused",
    );
    expect(seen(loop.slice(0, 6), 150_000)).toBeUndefined();
    // The first loss was at 10 s: one millisecond later it counts no more.
    expect(seen([...loop, [300_000, yes]], 610_000)).toContain("3 times");
    expect(seen([...loop, [300_000, yes]], 610_001)).toBeUndefined();
  });

  test("remembers no more losses than it needs", () => {
    let contact = FIRST_CONTACT;
    for (let at = 0; at < 100; at++) contact = nextContact(contact, at % 2 === 0 ? yes : refused, at);
    expect(contact.lostAtMillis).toEqual([95, 97, 99]);
  });

  test("that is down is told what to do", () => {
    const contact = { ...FIRST_CONTACT, failures: 5, downSinceMillis: 0, lastMessage: "refused" };
    expect(contactSign(LABEL, contact, 60_000).finding?.remedy).toContain("ctr -n k8s.io containers rm ID");
  });
});

describe("a clock", () => {
  const at = (wallNanos: bigint, dates: readonly bigint[]) =>
    observationOf(
      { askedAtMillis: 0, listedAtMillis: 0, wallNanos },
      dates.map((createdAtNanos, index) => container({ id: `c${index}`, attempt: index, createdAtNanos })),
      [],
    );
  const MINUTE = 60_000_000_000n;
  const NOW = 1_800_000_000_000_000_000n;

  test("a minute behind its containers passes for a time step at boot", () => {
    expect(futureDates(at(NOW, [0n, NOW, NOW + MINUTE]))).toBeUndefined();
    expect(futureDates(at(NOW, []))).toBeUndefined();
  });

  test("further behind is counted, with the farthest", () => {
    const future = futureDates(at(NOW, [5n, NOW + MINUTE + 9n, NOW + 120n * MINUTE, NOW + MINUTE + 1n]));
    expect(future).toEqual({ count: 3, farthestSeconds: 7_200, example: "default/web app attempt 2 (c2)" });
    expect(clockSign(LABEL, future).finding?.seen).toBe(
      "3 containers are dated later than now, by up to 7200 s (default/web app attempt 2 (c2))",
    );
  });

  test("one container is enough", () => {
    expect(clockSign(LABEL, futureDates(at(NOW, [NOW + MINUTE + 1n]))).finding?.seen).toBe(
      "one container is dated later than now, by up to 60 s (default/web app attempt 0 (c0))",
    );
    expect(clockSign(LABEL, undefined).finding).toBeUndefined();
  });
});

describe("findings", () => {
  const finding = (seen: string, part: Partial<Finding> = {}): Finding => ({
    kind: "disk-full",
    subject: "/a",
    seen,
    remedy: "free space",
    ...part,
  });
  const sign = (found: Finding | undefined, subject = "/a"): Sign => ({
    kind: "disk-full",
    subject,
    finding: found,
  });

  test("are said when they begin and when they end, and once each", () => {
    const standing = new Standing();
    expect(standing.update([sign(finding("1 MiB"))], 0)).toEqual({ begun: [finding("1 MiB")], ended: [] });
    expect(standing.update([sign(finding("0 MiB"))], 10)).toEqual({ begun: [], ended: [] });
    expect(standing.list()).toEqual([{ finding: finding("0 MiB"), sinceMillis: 0 }]);
    expect(standing.update([sign(undefined)], 20)).toEqual({ begun: [], ended: [finding("0 MiB")] });
    expect(standing.update([sign(undefined)], 30)).toEqual({ begun: [], ended: [] });
    expect(standing.update([sign(finding("1 MiB"))], 40).begun).toHaveLength(1);
    expect(standing.list()).toEqual([{ finding: finding("1 MiB"), sinceMillis: 40 }]);
  });

  test("stand as long as nobody has looked again", () => {
    const standing = new Standing();
    standing.update([sign(finding("1 MiB"))], 0);
    expect(standing.update([], 10)).toEqual({ begun: [], ended: [] });
    expect(standing.list()).toHaveLength(1);
  });

  test("of different subjects and kinds are apart", () => {
    const standing = new Standing();
    const other = finding("x", { subject: "/b" });
    const readOnly = finding("y", { kind: "disk-read-only" });
    const signs = [
      sign(finding("1 MiB")),
      sign(other, "/b"),
      { kind: "disk-read-only", subject: "/a", finding: readOnly } as const,
    ];
    expect(standing.update(signs, 0).begun).toHaveLength(3);
    expect(standing.update([sign(undefined, "/b")], 1).ended).toEqual([other]);
  });

  test("of what is no longer looked at are forgotten", () => {
    const standing = new Standing();
    standing.update([sign(finding("1 MiB")), sign(finding("x", { subject: "/b" }), "/b")], 0);
    standing.keepSubjects(["/b"]);
    expect(standing.list().map(({ finding: { subject } }) => subject)).toEqual(["/b"]);
  });

  test("read as what was seen and what to do", () => {
    expect(findingText(finding("1 of 100 MiB are free"))).toBe("/a: 1 of 100 MiB are free; free space");
  });
});
