import { describe, expect, test } from "vitest";
import { bootReport, MOST_BOOT_REPORT_BYTES } from "./boot-report.ts";
import { cniEventsOf } from "./events.ts";
import { CniDiagnoses, CNI_FINDING_KINDS, findingsOf } from "./finding.ts";
import { forecast } from "./forecast.ts";
import { TROUBLE_KINDS, type CniReport, type NetworkReport } from "./report.ts";
import { cniReportText } from "./text.ts";

const TALLY = { leases: 0, live: 0, ended: 0, stale: 0, waiting: 0, foreign: 0, other: 0 };

function network(more: Partial<NetworkReport> = {}): NetworkReport {
  return {
    name: "net",
    path: "/var/lib/cni/networks/net",
    because: "the settings name it",
    isLink: false,
    pools: [{ family: "IPv4", size: 100, used: 10, free: 90 }],
    before: { ...TALLY, leases: 12, live: 10, stale: 2 },
    after: { ...TALLY, leases: 10, live: 10 },
    predating: 0,
    forecast: undefined,
    kept: { "in-use": 10 },
    rules: { "listed-before": 2 },
    outcomes: { moved: 2 },
    removals: [
      { path: "/n/10.42.0.3", id: "a".repeat(64), outcome: "moved", reason: "nobody's" },
      { path: "/n/10.42.0.4", id: undefined, outcome: "moved", reason: "empty" },
    ],
    troubles: [],
    ...more,
  };
}

function report(more: Partial<CniReport> = {}): CniReport {
  return {
    modes: { leases: "on", caches: "on", sandboxRepair: "on" },
    acts: true,
    startedAt: "2026-11-21T18:00:00.000Z",
    durationMillis: 12,
    isWhole: true,
    obstacle: undefined,
    runtimes: [],
    networks: [network()],
    foreign: [],
    caches: { files: 3, kept: {}, rules: {}, outcomes: {}, removals: [], troubles: [] },
    repairs: [],
    repairHeld: undefined,
    deadNamespaces: 0,
    quarantine: undefined,
    memory: { knowsEarlierBoot: true, problem: undefined },
    troubles: [],
    ...more,
  };
}

const kinds = (of: CniReport, unproven = 0) => findingsOf(of, unproven).map(({ kind }) => kind);

describe("findings", () => {
  test("none where all is well", () => {
    expect(findingsOf(report(), 0)).toEqual([]);
  });

  test("a runtime that leaks, with the version to go to", () => {
    const asked = { name: "containerd", version: "1.7.24", path: "/run/c.sock", mended: "1.7.31" };
    expect(findingsOf(report({ runtimes: [asked, { ...asked, mended: undefined }] }), 0)).toMatchObject([
      { kind: "leaky-runtime", subject: "/run/c.sock", remedy: "upgrade it to 1.7.31 or later" },
    ]);
  });

  test("an obstacle, once it has stood for three passes", () => {
    const blocked = report({ obstacle: "no runtime" });
    expect([kinds(blocked, 2), kinds(blocked, 3)]).toEqual([[], ["cni-unproven"]]);
  });

  test("a pool of which nine tenths are taken", () => {
    const pool = (used: number) =>
      kinds(
        report({ networks: [network({ pools: [{ family: "IPv4", size: 100, used, free: 100 - used }] })] }),
      );
    expect([pool(89), pool(90)]).toEqual([[], ["cni-pool-full"]]);
    const unknown = network({ pools: [{ family: "IPv4", size: undefined, used: 9_999, free: undefined }] });
    expect(kinds(report({ networks: [unknown] }))).toEqual([]);
  });

  test("each trouble that needs a person, wherever it was met", () => {
    const troubles = TROUBLE_KINDS.map((kind) => ({ kind, path: `/${kind}`, seen: "x" }));
    const found = kinds(report({ networks: [network({ troubles })] }));
    expect(found.length).toBe(TROUBLE_KINDS.length - 2);
    const caches = { ...report().caches, troubles };
    expect(kinds(report({ caches }))).toEqual(found);
    expect(kinds(report({ troubles }))).toEqual(found);
    expect(found.every((kind) => CNI_FINDING_KINDS.includes(kind))).toBe(true);
  });

  test("memory that can't be written", () => {
    expect(kinds(report({ memory: { knowsEarlierBoot: true, problem: "disk full" } }))).toEqual([
      "cni-memory",
    ]);
  });

  test("begin once, stay while a pass did not see all, end when it did", () => {
    const diagnoses = new CniDiagnoses();
    const troubled = report({ troubles: [{ kind: "unreadable", path: "/n", seen: "EIO" }] });
    expect(diagnoses.update(troubled, 0).begun.map(({ kind }) => kind)).toEqual(["cni-unreadable"]);
    expect(diagnoses.update(troubled, 1)).toEqual({ begun: [], ended: [] });
    expect(diagnoses.update(report({ isWhole: false }), 2).ended).toEqual([]);
    expect(diagnoses.update(report({ obstacle: "no runtime" }), 3).ended).toEqual([]);
    expect(diagnoses.standing().length).toBe(1);
    expect(diagnoses.update(report(), 4).ended.map(({ kind }) => kind)).toEqual(["cni-unreadable"]);
    expect(diagnoses.standing()).toEqual([]);
  });

  test("three passes in a row without proof, not three in all", () => {
    const diagnoses = new CniDiagnoses();
    const blocked = report({ obstacle: "no runtime" });
    const begun = [blocked, blocked, report(), blocked, blocked, blocked].map(
      (each, at) => diagnoses.update(each, at).begun.length,
    );
    expect(begun).toEqual([0, 0, 0, 0, 0, 1]);
  });
});

describe("the forecast", () => {
  const pools = [{ family: "IPv4" as const, size: 100, used: 40, free: 60 }];
  const boots = [
    { bootID: "a", stale: { "/n": 10, "/m": 99 } },
    { bootID: "b", stale: { "/n": 4 } },
    { bootID: "c", stale: {} },
  ];

  test("rests on what several boots left", () => {
    expect(forecast(boots, "/n", pools, 0, 1)).toEqual({ boots: 3, stalePerBoot: 5, bootsLeft: 12 });
    expect(forecast(boots, "/n", pools, 1, 0)).toMatchObject({ stalePerBoot: 5 });
  });

  test("is none without evidence, without stale ones, or without a size", () => {
    expect(forecast(boots.slice(0, 1), "/n", pools, 0, 9)).toBeUndefined();
    expect(forecast(boots, "/other", pools, 0, 0)).toBeUndefined();
    expect(
      forecast(boots, "/n", [{ family: "IPv4", size: undefined, used: 1, free: undefined }], 0, 1),
    ).toBeUndefined();
    expect(forecast(boots, "/n", [], 0, 1)).toBeUndefined();
  });
});

describe("Events", () => {
  test("one for each network, with addresses", () => {
    expect(cniEventsOf(report(), [])).toEqual([
      {
        type: "Normal",
        reason: "StaleLeasesRemoved",
        message: "released 2 addresses of network net that no pod holds any more: 10.42.0.3, 10.42.0.4",
      },
    ]);
  });

  test("of many a few are named", () => {
    const line = { path: "/n/10.42.0.3", id: undefined, outcome: "moved", reason: "x" } as const;
    const many = network({ outcomes: { moved: 900 }, removals: Array.from({ length: 50 }, () => line) });
    const [event] = cniEventsOf(report({ networks: [many] }), []);
    expect(event?.message).toMatch(/10\.42\.0\.3 and 895 more$/);
  });

  test("what failed, what was stopped, what was found", () => {
    const line = { path: "/n/10.42.0.3", id: undefined, outcome: "failed", reason: "disk full" } as const;
    const failed = network({ outcomes: { failed: 1, "would-move": 3 }, removals: [line] });
    const repairs = [
      { id: "b", pod: "default/web", outcome: "stopped" as const, detail: "again" },
      { id: "c", pod: "default/other", outcome: "would-stop" as const, detail: "x" },
    ];
    const begun = findingsOf(report({ memory: { knowsEarlierBoot: true, problem: "disk full" } }), 0);
    const events = cniEventsOf(report({ networks: [failed], repairs }), begun);
    expect(events.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      "Warning CniDiagnosis",
      "Warning StaleLeasesLeft",
      "Normal SandboxStoppedAgain",
    ]);
    expect(events[1]?.message).toContain("disk full");
  });

  test("a pass that did nothing says nothing", () => {
    expect(cniEventsOf(report({ networks: [network({ outcomes: {}, removals: [] })] }), [])).toEqual([]);
  });
});

describe("in words", () => {
  test("a table, the pool, and whether anything predates this boot", () => {
    const text = cniReportText(report()).join("\n");
    expect(text).toContain("CNI state, pass at 2026-11-21T18:00:00.000Z, 12 ms");
    expect(text).toMatch(/before +12 +10 +0 +2 +0 +0 +0\n +after +10 +10 +0 +0/);
    expect(text).toContain("IPv4: 10 of 100 taken, 90 free");
    expect(text).toContain("0 leases predate this boot");
    expect(text).toContain("/n/10.42.0.3 of sandbox aaaaaaaaaaaa: moved: nobody's");
  });

  test("what is not known is said to be", () => {
    const unknown = network({
      predating: undefined,
      pools: [{ family: "IPv6", size: undefined, used: 3, free: undefined }],
      forecast: { boots: 3, stalePerBoot: 2.5, bootsLeft: 4 },
      outcomes: { "would-move": 70 },
    });
    const text = cniReportText(
      report({
        acts: false,
        networks: [unknown],
        obstacle: "no runtime",
        isWhole: false,
        foreign: ["/var/lib/cni/networks/podman"],
        deadNamespaces: 2,
        quarantine: { files: 2, bytes: 1_025 },
        repairHeld: "kubelet does not run",
        repairs: [
          { id: "b".repeat(64), pod: "default/web", outcome: "would-stop", detail: "kubelet does not run" },
        ],
      }),
    ).join("\n");
    for (const part of [
      "CNI state, scan at",
      "nothing is removed: no runtime",
      "not everything was read",
      "IPv6: 3 taken; the size of the pool is not known",
      "nothing is remembered of an earlier one",
      "the last 3 boots left 2.5 stale leases each; left alone, the pool would last 4 more",
      "and 68 more",
      "not looked at: /var/lib/cni/networks/podman",
      "2 files in /run/netns",
      "quarantine: 2 files, 2 KiB",
      "ended sandbox bbbbbbbbbbbb of default/web holds a lease: would-stop",
      "! leases: nothing is removed, as what lives is not proven: no runtime",
    ]) {
      expect(text).toContain(part);
    }
    expect(cniReportText(report({ networks: [] })).join()).toContain("no network directory of Kubernetes'");
  });
});

describe("the annotation", () => {
  const facts = {
    bootID: "boot",
    report: report(),
    removed: { leases: 2, caches: 5 },
    findings: ["b", "a", "b"],
  };

  test("says what this boot left", () => {
    expect(JSON.parse(bootReport(facts))).toEqual({
      bootID: "boot",
      removedLeases: 2,
      removedCaches: 5,
      predatingLeases: 0,
      proven: true,
      findings: ["a", "b"],
      networks: [{ name: "net", stale: 0, waiting: 0, predating: 0 }],
    });
  });

  test("does not change with the pods that come and go", () => {
    const busy = report({
      durationMillis: 99,
      startedAt: "later",
      networks: [network({ after: { ...TALLY, live: 77 } })],
    });
    expect(bootReport({ ...facts, report: busy })).toBe(bootReport(facts));
  });

  test("stays within 1 KiB, whatever the names", () => {
    const networks = Array.from({ length: 200 }, (_none, at) => network({ name: `${"ü".repeat(200)}${at}` }));
    for (const count of [1, 3, 200]) {
      const text = bootReport({ ...facts, report: report({ networks: networks.slice(0, count) }) });
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BOOT_REPORT_BYTES);
    }
    const text = bootReport({ ...facts, report: report({ networks }) });
    expect(text).toContain('"omittedNetworks":19');
  });

  test("what is not known of one network is not known at all", () => {
    const text = bootReport({
      ...facts,
      report: report({ networks: [network(), network({ predating: undefined })] }),
    });
    expect(text).not.toContain("predatingLeases");
  });
});
