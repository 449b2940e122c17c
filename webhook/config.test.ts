import { describe, expect, test } from "vitest";
import { readConfig, type Config } from "./config.ts";
import { variableOf } from "../program/setting.ts";
import { SETTINGS } from "./settings.ts";

function run(argv: readonly string[], environment: Record<string, string> = {}): Config {
  const read = readConfig(argv, environment);
  if (read.kind !== "run") throw new Error(JSON.stringify(read));
  return read.config;
}

function problems(argv: readonly string[], environment: Record<string, string> = {}): readonly string[] {
  const read = readConfig(argv, environment);
  return read.kind === "bad" ? read.problems : [];
}

describe("readConfig()", () => {
  test("runs without any setting, as the chart does by default", () => {
    expect(run([])).toMatchObject({
      port: 9443,
      probePort: 8080,
      namespace: "nodelatch-system",
      serviceName: "nodelatch-webhook",
      certMode: "self",
      certSecret: "nodelatch-webhook-tls",
      injectCa: true,
      guardMode: "enforce",
      onExpired: "allow",
      defaultTtlMillis: undefined,
      maxTtlMillis: 168 * 3_600_000,
      minTtlMillis: 60_000,
      drainMillis: 15_000,
      agentUser: "system:serviceaccount:nodelatch-system:nodelatch-agent",
    });
  });

  test("has a key for every setting of the table, and no other", () => {
    expect(Object.keys(run([])).sort()).toEqual(Object.keys(SETTINGS).sort());
  });

  test("takes a flag before its variable, and the variable before the default", () => {
    const environment = { NODELATCH_GUARD_MODE: "warn", NODELATCH_ON_EXPIRED: "deny" };
    expect(run(["--guard-mode=off"], environment)).toMatchObject({ guardMode: "off", onExpired: "deny" });
  });

  test.each<[string, readonly string[], Partial<Config>]>([
    ["a value after =", ["--port=1234"], { port: 1234 }],
    ["a value after a space", ["--port", "1234"], { port: 1234 }],
    ["durations", ["--drain=1m30s", "--max-ttl=2h30m"], { drainMillis: 90_000, maxTtlMillis: 9_000_000 }],
    ["no tools", ["--tools=[]"], { tools: [] }],
    [
      "a tool",
      [
        '--tools=[{"name":"a","username":"bob","lockOn":"cordon","releaseOn":"reboot","perNode":false,"ttl":"2h"}]',
      ],
      {
        tools: [
          {
            name: "a",
            username: "bob",
            lockOn: { kind: "cordon" },
            releaseOn: { kind: "reboot" },
            perNode: false,
            ttlMillis: 7_200_000,
          },
        ],
      },
    ],
    ["no default expiry", ["--default-ttl=none"], { defaultTtlMillis: undefined }],
    ["a default expiry", ["--default-ttl=90m"], { defaultTtlMillis: 5_400_000 }],
    ["a list", ["--exempt-deleters=a, b,a"], { exemptDeleters: ["a", "b"] }],
    ["an empty list", ["--exempt-deleters="], { exemptDeleters: [] }],
    ["rules", ["--prepull-warn-only=number-range"], { prepullWarnOnly: ["number-range"] }],
    ["no", ["--inject-ca=false"], { injectCa: false }],
    ["files", ["--cert-mode=files", "--cert-dir=/tls"], { certMode: "files", certDir: "/tls" }],
  ])("reads %s", (_name, argv, expected) => {
    expect(run(argv)).toMatchObject(expected);
  });

  test("knows the namespace by the variable that charts set, and prefers its own", () => {
    expect(run([], { POD_NAMESPACE: "a" }).namespace).toBe("a");
    expect(run([], { POD_NAMESPACE: "a", NODELATCH_NAMESPACE: "b" }).namespace).toBe("b");
  });

  test("takes an empty variable for one that is not set", () => {
    expect(run([], { NODELATCH_PORT: "" }).port).toBe(9443);
  });

  test("does not look at variables of others", () => {
    expect(run([], { PORT: "1", GUARD_MODE: "off" })).toMatchObject({ port: 9443, guardMode: "enforce" });
  });

  test.each<[string, readonly string[], Record<string, string>, string]>([
    ["a port that is no number", ["--port=web"], {}, '--port="web": expected an integer from 1 to 65535'],
    ["a port out of range", ["--port=65536"], {}, '--port="65536": expected an integer from 1 to 65535'],
    [
      "a number with a tail",
      [],
      { NODELATCH_MAX_IN_FLIGHT: "10x" },
      'NODELATCH_MAX_IN_FLIGHT="10x": expected an integer',
    ],
    ["a duration without a unit", [], { NODELATCH_DRAIN: "15" }, 'NODELATCH_DRAIN="15": expected a duration'],
    ["a duration out of range", ["--drain=11m"], {}, '--drain="11m": expected a duration from 1ms to 10m'],
    [
      "another mode",
      ["--guard-mode=enforced"],
      {},
      '--guard-mode="enforced": expected one of enforce, warn, off',
    ],
    ["a word for a yes", ["--inject-ca=yes"], {}, '--inject-ca="yes": expected one of true, false'],
    [
      "a name no object can have",
      [],
      { POD_NAMESPACE: "a_b" },
      'POD_NAMESPACE="a_b": expected a Kubernetes name',
    ],
    [
      "a list with a hole",
      ["--exempt-deleters=a,,b"],
      {},
      '--exempt-deleters="a,,b": expected names separated by single commas',
    ],
    ["tools that are no JSON", ["--tools=kured"], {}, '--tools="kured": expected a JSON list of tools'],
    [
      "a tool that is none",
      ["--tools=[1]"],
      {},
      '--tools="[1]": [0]: expected an object with name, username',
    ],
    [
      "a tool's life out of bounds",
      [
        '--tools=[{"name":"a","username":"b","lockOn":"cordon","releaseOn":"uncordon","perNode":true,"ttl":"200h"}]',
      ],
      {},
      "--tools: ttl of a: expected a duration from --min-ttl to --max-ttl",
    ],
    ["an unknown flag", ["--prot=1"], {}, "--prot: no such flag; see --help"],
    ["a flag without a value", ["--port"], {}, "--port: expected a value"],
    ["a flag given twice", ["--port=1", "--port=2"], {}, "--port: given twice; expected it once"],
    ["a word that is no flag", ["serve"], {}, '"serve": expected only flags; see --help'],
    ["two servers on one port", ["--port=8080"], {}, "--port and --probe-port: both are 8080"],
    [
      "bounds the wrong way round",
      ["--min-ttl=2h", "--max-ttl=1h"],
      {},
      "--min-ttl: expected at most --max-ttl",
    ],
    [
      "a default expiry out of bounds",
      ["--default-ttl=200h"],
      {},
      "--default-ttl: expected a duration from --min-ttl to --max-ttl",
    ],
    [
      "a leaf that outlives its CA",
      ["--cert-leaf-life=400d"],
      {},
      "--cert-leaf-life: expected at most --cert-ca-life",
    ],
    [
      "a rule that there is not",
      ["--prepull-warn-only=number-range,nonsense"],
      {},
      '--prepull-warn-only: "nonsense" is no rule; docs/prepull.md lists them',
    ],
    ["files from nowhere", ["--cert-mode=files"], {}, "--cert-dir: needed by --cert-mode=files"],
  ])("refuses %s, and names setting, value and what is expected", (_name, argv, environment, problem) => {
    expect(problems(argv, environment)).toEqual([expect.stringContaining(problem)]);
  });

  test("reports everything that is wrong at once", () => {
    const found = problems(["--port=web", "--nope", "--guard-mode=x"], { NODELATCH_DRAIN: "soon" });
    expect(found.map((line) => /^[^=:]+/.exec(line)?.[0])).toEqual([
      "--nope",
      "--port",
      "--guard-mode",
      "NODELATCH_DRAIN",
    ]);
  });

  test("never repeats a huge value", () => {
    expect(problems([`--port=${"9".repeat(100_000)}`]).join("").length).toBeLessThan(300);
  });

  test("knows --version, and --help wins over everything that is wrong", () => {
    expect(readConfig(["--version"], {})).toEqual({ kind: "version" });
    expect(readConfig(["-h"], {}).kind).toBe("help");
    expect(readConfig(["--nope", "--help"], { NODELATCH_PORT: "x" }).kind).toBe("help");
  });

  test("--help names every setting with its variable, default and unit", () => {
    const read = readConfig(["--help"], {});
    const text = read.kind === "help" ? read.text : "";
    for (const { flag, shownFallback, shape } of Object.values(SETTINGS)) {
      expect(text).toContain(`  --${flag}=${shape}\n`);
      const entry = text.slice(text.indexOf(`  --${flag}=`)).split("\n  --")[0] ?? "";
      expect(entry).toContain(variableOf(flag));
      expect(entry).toContain(`default ${shownFallback === "" ? "none" : shownFallback}`);
    }
    expect(text).toContain("POD_NAMESPACE");
  });

  test("gives back each default when it is written out, as the chart writes it", () => {
    const written = Object.values(SETTINGS).filter(({ shownFallback }) => shownFallback !== "");
    const environment = Object.fromEntries(
      written.map(({ flag, shownFallback }) => [variableOf(flag), shownFallback]),
    );
    expect(run([], environment)).toEqual(run([]));
  });
});
