/** Command lines: mistakes, help, completion. No cluster is asked. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { candidates } from "./commands/completion.ts";
import { shortDuration, untilTime } from "./output/time.ts";
import { tableLines } from "./output/table.ts";
import { wantsColors } from "./output/terminal.ts";
import { COMMANDS } from "./program.ts";
import { run } from "./testing/cli-kit.ts";

const known = COMMANDS.map(({ spec }) => spec.name).join(", ");

describe("a mistake is named with its remedy, and exits with 2", () => {
  test.each<[string, string]>([
    ["lok n1", `unknown command "lok": expected one of ${known}`],
    ["--context=x status", 'unknown command "--context=x": options come after the command'],
    ["lock", "lock: expected NODE; try: kubectl nodelatch lock --help"],
    ["lock n1 n2", 'lock: "n2" is one argument too many; expected NODE'],
    ["version now", 'version: "now" is one argument too many; expected none'],
    ["lock n1 --reson x", "lock: Unknown option '--reson'; try: kubectl nodelatch lock --help"],
    ["lock N_1", 'NODE="N_1": expected the name of a node, such as worker-1'],
    ["lock ../n1", 'NODE="../n1": expected the name of a node, such as worker-1'],
    ["lock n1 --ttl soon", '--ttl="soon": expected a duration such as 90m, 2h30m or 7d'],
    ["lock n1 --release never", '--release="never": expected one of explicit, uncordon, reboot'],
    ["unlock n1 --force", '--force needs --reason "...": say why the lock is broken; it is kept on the node'],
    ["unlock n1 --reason x", "--reason goes with --force: your own lock needs none"],
    ["verify n1 --wait 25h", '--wait="25h": longer than 24h'],
    ["verify n1 -o wide", '--output="wide": expected one of json, yaml'],
    ["status -w -o json --kubeconfig /x", "-o json does not go with -w; use the table"],
    ["completion tcsh", 'SHELL="tcsh": expected one of bash, zsh, fish'],
  ])("%s", async (line, message) => {
    expect(await run(line.split(" "))).toEqual({ code: 2, out: "", err: `error: ${message}` });
  });

  test("an option without its value", async () => {
    const { code, err } = await run(["lock", "n1", "--reason"]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: lock: Option '--reason <value>' argument missing;/);
  });
});

describe("help", () => {
  test.each([[[]], [["help"]], [["--help"]], [["-h"]]])("%j lists the commands", async (argv) => {
    const { code, out } = await run(argv);
    expect(code).toBe(0);
    for (const { spec } of COMMANDS) expect(out).toContain(`  ${spec.name} `);
  });

  test("help NAME is NAME --help, even where NAME lacks its arguments", async () => {
    for (const { spec } of COMMANDS) {
      const { code, out } = await run([spec.name, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`kubectl nodelatch ${spec.name}`);
      expect((await run(["help", spec.name])).out).toBe(out);
    }
  });

  test("of unlock, as it is", async () => {
    expect((await run(["unlock", "--help"])).out.split("\n\nOptions of every command:")[0])
      .toBe(`End your lock of a node, or break somebody else's.

The node is uncordoned in the same write, unless it was cordoned before the lock came and nobody's uncordon
was refused meanwhile. --force breaks a lock that is not yours: it wants a reason, the right (verb override
on rebootlocks.nodelatch.io), and leaves a record on the node.

Usage:
  kubectl nodelatch unlock NODE [OPTIONS]

Examples:
  # give worker-1 back after its reboot
  kubectl nodelatch unlock worker-1
  # end the lock, and leave the cordon to others
  kubectl nodelatch unlock worker-1 --keep-cordon
  # break the glass
  kubectl nodelatch unlock worker-1 --force --reason "holder has left"

Options:
      --force         break the lock, whoever holds it; needs --reason
      --reason TEXT   why the lock is broken; kept on the node and in the audit log
      --keep-cordon   leave the node cordoned, whoever wanted to uncordon it`);
  });

  test("version, for people and for programs", async () => {
    expect((await run(["version"])).out).toBe("nodelatch 1.2.3");
    expect((await run(["--version"])).out).toBe("nodelatch 1.2.3");
    expect(JSON.parse((await run(["version", "-o", "json"])).out)).toEqual({
      apiVersion: "cli.nodelatch.io/v1",
      kind: "Version",
      version: "1.2.3",
    });
  });
});

describe("completion", () => {
  test.each<[string[], "nodes" | string[]]>([
    [["lock", ""], "nodes"],
    [["lock", "n1", ""], []],
    [["status", "n1", ""], "nodes"],
    [
      ["lock", "n1", "--release", ""],
      ["explicit", "uncordon", "reboot"],
    ],
    [
      ["verify", "-o", ""],
      ["json", "yaml"],
    ],
    [["lock", "n1", "--reason", ""], []],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["nosuch", ""], []],
  ])("%j offers %j", (words, expected) => {
    expect(candidates(words, COMMANDS)).toEqual(expected);
  });

  test("commands at first, options after a dash", async () => {
    expect((await run(["__complete", "un"])).out).toBe("unlock\n:4");
    expect((await run(["__complete", "unlock", "--f"])).out).toBe("--force\n:4");
  });

  test("without a cluster there are no nodes, and no complaint", async () => {
    expect(await run(["__complete", "lock", ""])).toEqual({ code: 0, out: ":4", err: "" });
  });

  test.each(["bash", "zsh", "fish"])("the script for %s is one that it can read", async (shell) => {
    const { out } = await run(["completion", shell]);
    expect(out).toContain("kubectl-nodelatch __complete");
    const read = spawnSync(shell, ["-n"], { input: out, encoding: "utf8" });
    // Not every machine has every shell; where there is none, nothing was read.
    expect(read.error === undefined ? read.stderr : "").toBe("");
  });

  test("bash completes with it", async () => {
    const { out } = await run(["completion", "bash"]);
    const script = `kubectl-nodelatch() { shift; for word in "$@"; do echo "got-$word"; done; echo ":4"; }
${out}
COMP_WORDS=(kubectl-nodelatch lock wo); COMP_CWORD=2; _kubectl_nodelatch; printf "%s\\n" "\${COMPREPLY[@]}"`;
    expect(spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout.trim().split("\n")).toEqual([
      "got-lock",
      "got-wo",
    ]);
  });
});

describe("output", () => {
  test.each([
    [0, "0s"],
    [999, "0s"],
    [59_000, "59s"],
    [61_000, "1m1s"],
    [120_000, "2m"],
    [185_000, "3m"],
    [3_600_000, "1h"],
    [12_000_000, "3h20m"],
    [90_061_000, "1d1h"],
    [86_400_000 + 60_000, "1d"],
    [-5_000, "0s"],
  ])("%i ms are %s", (millis, text) => {
    expect(shortDuration(millis)).toBe(text);
  });

  test("an expiry is ahead or over", () => {
    const now = Date.parse("2026-11-21T12:00:00Z");
    expect(untilTime("2026-11-21T12:10:00Z", now)).toBe("in 10m");
    expect(untilTime("2026-11-21T11:50:00Z", now)).toBe("10m ago");
    expect(untilTime("tomorrow", now)).toBe("?");
  });

  test("what others wrote stays in its cell", () => {
    const rows = [["a\u001b[2Jb\n\u202ec", "x".repeat(100)]];
    const [, line = ""] = tableLines(["A", "B"], rows, { colors: false });
    expect(line).toBe(`a [2Jb c   ${"x".repeat(57)}...`);
  });

  test("colours on a terminal alone, and not against the wish of its owner", () => {
    expect(wantsColors(true, {})).toBe(true);
    expect(wantsColors(false, {})).toBe(false);
    expect(wantsColors(true, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColors(true, { TERM: "dumb" })).toBe(false);
  });
});

test("as a process it prints, exits, and leaves no stack for a mistake", () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const ran = spawnSync(process.execPath, [main, "lock"], { encoding: "utf8", timeout: 90_000 });
  expect(ran).toMatchObject({ status: 2, stdout: "" });
  expect(ran.stderr).toBe("error: lock: expected NODE; try: kubectl nodelatch lock --help\n");
});
