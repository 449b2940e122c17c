import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";

const all = { patterns: [], name: undefined, shard: undefined };

describe("the command line of the cluster tests", () => {
  test.each([
    ["runs everything without words", [], { kind: "run", keep: false, image: true, tests: all }],
    ["keeps the cluster", ["--keep"], { kind: "run", keep: true, image: true, tests: all }],
    ["only starts a cluster", ["--up"], { kind: "up", image: true }],
    ["only fetches what is needed", ["--prepare"], { kind: "prepare" }],
    ["leaves the image out", ["--up", "--no-image"], { kind: "up", image: false }],
    [
      "uses a kept cluster for some files and tests",
      ["--use", "/c.json", "guard", "-t", "PUT", "certs"],
      {
        kind: "use",
        file: "/c.json",
        image: true,
        tests: { patterns: ["guard", "certs"], name: "PUT", shard: undefined },
      },
    ],
    [
      "runs a part of the files",
      ["--shard", "2/3"],
      { kind: "run", keep: false, image: true, tests: { ...all, shard: "2/3" } },
    ],
    ["ends a kept cluster", ["--down", "/c.json"], { kind: "down", file: "/c.json" }],
    ["shows help before all else", ["--up", "--help"], { kind: "help" }],
  ])("%s", (_name, words, expected) => {
    expect(parseCommandLine(words)).toEqual(expected);
  });

  test.each(["0/2", "3/2", "2", "a/b", "1/0"])("refuses part %s", (shard) => {
    expect(parseCommandLine(["--shard", shard])).toEqual({
      kind: "error",
      message: `--shard ${shard}: expected a part such as 1/2`,
    });
  });

  test.each([
    ["an unknown option", ["--kept"], "--kept: unknown option"],
    ["an option without its value", ["--use"], "--use: expected a value after it"],
    ["two modes at once", ["--up", "--down", "/c.json"], "--up and --down: expected at most one"],
    [
      "a run that only prepares and stays",
      ["--prepare", "--keep"],
      "--prepare and --keep: expected at most one",
    ],
  ])("refuses %s", (_name, words, message) => {
    const command = parseCommandLine(words);
    expect(command.kind === "error" ? command.message : command.kind).toContain(message);
  });
});
