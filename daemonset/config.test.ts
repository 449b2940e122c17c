import { expect, test } from "vitest";
import { containersSettings, ownPod, readConfig, type Config } from "./config.ts";
import { DEFAULT_SETTINGS } from "./containers/settings.ts";

const NODE = { NODE_NAME: "n1" };

function configOf(argv: readonly string[], env: Readonly<Record<string, string>> = NODE): Config {
  const read = readConfig(argv, env);
  if (!("config" in read)) throw new Error(JSON.stringify(read));
  return read.config;
}

test.each([
  [[], "run"],
  [["run"], "run"],
  [["boot"], "boot"],
  [["--boot-pass=report", "shutdown"], "shutdown"],
  [["boot", "--help"], "help"],
  [["--version"], "version"],
] as const)("%j is the command %s", (argv, kind) => {
  expect(readConfig(argv, NODE).kind).toBe(kind);
});

test("without a word about it, containers are dealt with as the design says", () => {
  expect(containersSettings(configOf([]))).toEqual(DEFAULT_SETTINGS);
});

test("every bad value is named at once", () => {
  const argv = [
    "boot",
    "twice",
    "--runtime-endpoint=/run/a.sock,tcp://1.2.3.4",
    "--boot-pass=maybe",
    "--steady-interval=1s",
    "--probe-port=0",
    "--nonsense=1",
    "--by-hand=yes",
  ];
  expect(readConfig(argv, { NODELATCH_SHUTDOWN_BUDGET: "soon" })).toEqual({
    kind: "bad",
    problems: [
      '"twice": expected one command and flags; see --help',
      "--nonsense: no such flag; see --help",
      '--by-hand="yes": expected one of true, false',
      '--runtime-endpoint="/run/a.sock,tcp://1.2.3.4": runtime endpoint "tcp://1.2.3.4": expected unix:///PATH or an absolute path',
      '--boot-pass="maybe": expected one of on, report, off',
      '--steady-interval="1s": expected a duration from 1m to 1d',
      'NODELATCH_SHUTDOWN_BUDGET="soon": expected a duration such as 90m, 2h30m or 7d',
      '--probe-port="0": expected an integer from 1 to 65535',
    ],
  });
});

test("an unknown command is a bad setting", () => {
  expect(readConfig(["start"], NODE)).toEqual({
    kind: "bad",
    problems: ['"start": expected one of run, boot, shutdown, scan, clean, report, restore'],
  });
});

test.each([
  [["run"], {}, "bad"],
  [["run", "--api=off"], {}, "run"],
  [["run"], NODE, "run"],
  // They ask the API server nothing.
  [["boot"], {}, "boot"],
  [["shutdown"], {}, "shutdown"],
] as const)("the node's name: %j with %j is %s", (argv, env, kind) => {
  expect(readConfig(argv, env).kind).toBe(kind);
});

test.each([
  ["no UID is a mistake: nothing may be removed", [], {}, { kind: "unknown" }],
  ["by hand there is no pod", ["--by-hand=true"], {}, { kind: "none" }],
  ["a UID counts", [], { POD_UID: "u1" }, { kind: "pod", uid: "u1" }],
  ["even by hand", ["--by-hand=true"], { POD_UID: "u1" }, { kind: "pod", uid: "u1" }],
] as const)("own pod: %s", (_sentence, flags, env, expected) => {
  expect(ownPod(configOf(flags, { ...NODE, ...env }))).toEqual(expected);
});

test("a UID of blanks is a bad setting", () => {
  expect(readConfig([], { ...NODE, POD_UID: "  " }).kind).toBe("bad");
});

test("modes, rules and grace times reach their places", () => {
  const config = configOf([
    "--boot-pass=report",
    "--steady-pass=off",
    "--shutdown-pass=on",
    "--rule-clock-inverted=false",
    "--boot-grace=20s",
    "--steady-grace=30s",
    "--shutdown-grace=3s",
  ]);
  expect(containersSettings(config)).toEqual({
    modes: { boot: "report", steady: "off", shutdown: "on" },
    rules: { ...DEFAULT_SETTINGS.rules, "clock-inverted": false },
    graceMillis: { boot: 20_000, steady: 30_000, shutdown: 3_000 },
  });
});

test.each([
  ["", []],
  ["unix:///run/a.sock", ["/run/a.sock"]],
  ["/run/a.sock, unix:///run/b.sock,/run/a.sock", ["/run/a.sock", "/run/b.sock"]],
])("runtime endpoints %j", (text, expected) => {
  expect(configOf([`--runtime-endpoint=${text}`]).runtimeEndpoints).toEqual(expected);
});
