import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { PROTOCOL } from "./question.ts";
import { verifyScript } from "./script.ts";
import {
  bootID,
  Host,
  removeHosts,
  SHELLS,
  TEST_ANSWER_SECONDS,
  uptime,
  type Asked,
} from "./testing/asker.ts";

afterAll(removeHosts);

const BOOT = bootID();
/** Less than a host waits for an answer; a script that hangs is ended after a minute. */
const SOON_SECONDS = 15;

/** What a healthy agent says; each attack changes one thing. */
function answer(
  nonce: string,
  part: Partial<Record<"protocol" | "nonce" | "boot" | "verdict" | "end", string>> = {},
  lookedAt: number | string = uptime(),
): string {
  const { protocol = PROTOCOL, boot = BOOT, verdict = "open", end = `end ${nonce}` } = part;
  return `${protocol} ${part.nonce ?? nonce} ${boot} ${verdict} ${lookedAt}\nopen: as you say\n${end}\n`;
}

function put(folder: string, nonce: string, text: string): void {
  writeFileSync(join(folder, "whole"), text);
  renameSync(join(folder, "whole"), join(folder, `${nonce}.answer`));
}

function expectNoAnswer(asked: Asked, why: string): void {
  expect(asked).toMatchObject({ code: 75, out: "" });
  expect(asked.err).toMatch(/^nodelatch: no answer, so don't reboot: [^\n]*\n$/);
  expect(asked.err).toContain(why);
  expect(asked.seconds).toBeLessThan(SOON_SECONDS);
}

type Lie = (nonce: string, folder: string) => unknown;
const says =
  (text: (nonce: string) => string): Lie =>
  (nonce, folder) =>
    put(folder, nonce, text(nonce));

const OTHER = "00000000-0000-4000-8000-000000000000";

describe.concurrent.each(SHELLS)("in %s", (_name, shell) => {
  test("a whole, fresh answer to this very question opens it", async () => {
    const host = await new Host().prepare();
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(says((nonce) => answer(nonce)))]);
    expect(asked).toMatchObject({ code: 0, out: "nodelatch: open: as you say\n", err: "" });
    expect(await readdir(host.folder)).toEqual([]);
  });

  test("closed is 1, with the reasons", async () => {
    const host = await new Host().prepare();
    const lie = says((nonce) => answer(nonce, { verdict: "closed" }));
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(lie)]);
    expect(asked).toMatchObject({ code: 1, out: "", err: "nodelatch: open: as you say\n" });
  });

  test.each<[string, Lie, string]>([
    ["an agent that does not know", says((nonce) => answer(nonce, { verdict: "unknown" })), "as you say"],
    ["a verdict that does not exist", says((nonce) => answer(nonce, { verdict: "Open" })), "as you say"],
    ["an empty answer", says(() => ""), "half an answer"],
    [
      "one line of an answer",
      says((nonce) => answer(nonce).split("\n").slice(0, 1).join("\n")),
      "half an answer",
    ],
    [
      "two lines of an answer",
      says((nonce) => `${answer(nonce).split("\n").slice(0, 2).join("\n")}\n`),
      "half an answer",
    ],
    ["an answer without its last newline", says((nonce) => answer(nonce).slice(0, -1)), "half an answer"],
    ["another end", says((nonce) => answer(nonce, { end: `end ${OTHER}` })), "half an answer"],
    [
      "an answer of another version",
      says((nonce) => answer(nonce, { protocol: "nodelatch-gate-2" })),
      "half an answer",
    ],
    ["one word too many", says((nonce) => answer(nonce, {}, `${uptime()} more`)), "half an answer"],
    [
      "an answer to another question",
      says((nonce) => answer(nonce, { nonce: OTHER })),
      "to another question",
    ],
    ["an answer of another boot", says((nonce) => answer(nonce, { boot: OTHER })), "to another question"],
    ["an old answer", says((nonce) => answer(nonce, {}, uptime() - TEST_ANSWER_SECONDS - 3)), "s old"],
    ["an answer from the future", says((nonce) => answer(nonce, {}, uptime() + 60)), "s old"],
    ["an answer without a time", says((nonce) => answer(nonce, {}, "")), "no time"],
    ["a time that is a sum", says((nonce) => answer(nonce, {}, "a[0]")), "no time"],
    [
      "a FIFO for an answer",
      (nonce, folder) => spawnSync("mkfifo", [join(folder, `${nonce}.answer`)]),
      "no regular file",
    ],
    [
      "a directory for an answer",
      (nonce, folder) => mkdirSync(join(folder, `${nonce}.answer`)),
      "no regular file",
    ],
    [
      "a link to an answer",
      (nonce, folder) => {
        writeFileSync(join(folder, "elsewhere"), answer(nonce));
        symlinkSync(join(folder, "elsewhere"), join(folder, `${nonce}.answer`));
      },
      "no regular file",
    ],
    [
      "a link to nowhere",
      (nonce, folder) => symlinkSync(join(folder, "nowhere"), join(folder, `${nonce}.answer`)),
      "no regular file",
    ],
  ])("%s is no answer: 75 in time, one line on standard error", async (_lie, lie, why) => {
    const host = await new Host().prepare();
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(lie)]);
    expectNoAnswer(asked, why);
  });

  test("silence is waited for no longer than an answer may take", async () => {
    const host = await new Host(2).prepare();
    expectNoAnswer(await host.ask(shell), "said nothing within 2 s");
    expect(await readdir(host.folder)).toEqual([]);
  });

  test("an agent killed in mid-answer is silent", async () => {
    // Time enough to see the question on a busy machine.
    const host = await new Host(6).prepare();
    const half: Lie = (nonce, folder) =>
      writeFileSync(join(folder, `.${nonce}.answer.0a1b.partial`), answer(nonce));
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(half)]);
    expectNoAnswer(asked, "said nothing within 6 s");
  });

  test("an old answer that is played again is one to another question", async () => {
    const host = await new Host().prepare();
    let recorded = "";
    const record: Lie = (nonce, folder) => {
      recorded = answer(nonce);
      put(folder, nonce, recorded);
    };
    await Promise.all([host.ask(shell), host.whenAsked(record)]);
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(says(() => recorded))]);
    expectNoAnswer(asked, "half an answer");
  });

  test("a folder that is missing, a link or a file is no answer, at once", async () => {
    const host = await new Host().prepare();
    renameSync(host.folder, `${host.folder}-moved`);
    for (const make of [
      () => undefined,
      () => symlinkSync(`${host.folder}-moved`, host.folder),
      () => {
        renameSync(host.folder, `${host.folder}-link`);
        writeFileSync(host.folder, "");
      },
    ]) {
      make();
      const asked = await host.ask(shell);
      expectNoAnswer(asked, "is no directory");
    }
  });

  test("a disk that takes no byte is no answer", async () => {
    const host = await new Host().prepare();
    const asked = await host.run([
      "sh",
      "-c",
      `trap "" XFSZ; ulimit -f 0; exec ${shell.join(" ")} "$0"`,
      host.script,
    ]);
    expectNoAnswer(asked, "can't be written; is ");
  });

  test.each([
    ["&& of a shell that is not there", ["&&", "systemctl", "reboot"], "no shell runs this line"],
    ["an unknown argument", ["--now"], "unknown argument '--now'"],
    ["a wait without a duration", ["--wait"], "expected a duration"],
    ["a wait in words", ["--wait", "soon"], "--wait 'soon': expected a duration"],
    ["an empty wait", ["--wait="], "expected a duration"],
    ["a wait without a number", ["--wait=m"], "expected a duration"],
    ["a negative wait", ["--wait", "-2m"], "expected a duration"],
    ["a holder of two words", ["--holder", "a b"], "--holder 'a b': expected a user name without spaces"],
    ["a holder that is nobody", ["--holder="], "expected a user name"],
    ["a holder that runs a command", ["--holder", "$(id)"], "expected a user name"],
    ["a holder of two lines", ["--holder", "a\nb"], "expected a user name"],
    ["a holder that stands for anybody", ["--holder", "-"], "expected a user name"],
    ["a wait that is too long", ["--wait", "61m"], "expected at most 60m"],
    ["a wait that would overflow", ["--wait", "99999999999999999999s"], "expected a duration"],
  ])("%s is refused with 64", async (_what, args, why) => {
    const host = await new Host().prepare();
    const asked = await host.ask(shell, ...args);
    expect(asked).toMatchObject({ code: 64, out: "" });
    expect(asked.err).toContain(why);
  });

  test.each([
    [["--wait", "2m"], "120 -"],
    [["--wait=090"], "90 -"],
    [["--wait", "1h"], "3600 -"],
    [[], "0 -"],
    [["--holder", "system:serviceaccount:kube-system:kured"], "0 system:serviceaccount:kube-system:kured"],
    [["--holder=jane@example.com", "--wait", "1s"], "1 jane@example.com"],
  ])("%j asks for seconds and holder %s", async (args, words) => {
    const host = await new Host().prepare();
    let question = "";
    const [asked] = await Promise.all([
      host.ask(shell, ...args),
      host.whenAsked((nonce, folder) => {
        question = spawnSync("cat", [join(folder, `${nonce}.ask`)], { encoding: "utf8" }).stdout;
        put(folder, nonce, answer(nonce));
      }),
    ]);
    expect(asked.code).toBe(0);
    expect(question).toMatch(
      new RegExp(`^${PROTOCOL} [0-9a-f-]{36} ${BOOT} \\d+ ${words}\nend [0-9a-f-]{36}\n$`),
    );
  });

  test("it needs no program besides the shell", async () => {
    const host = await new Host().prepare((script) => script.replace(/^PATH=.*$/m, "PATH=/nonexistent"));
    const [asked] = await Promise.all([host.ask(shell), host.whenAsked(says((nonce) => answer(nonce)))]);
    expect(asked).toMatchObject({ code: 0, err: "" });
  });

  test("one that is told to end takes its question with it", async () => {
    const host = await new Host().prepare();
    const child = spawn(shell[0], [...shell.slice(1), host.script, "--wait", "1h"], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await host.whenAsked(() => child.kill("SIGTERM"));
    expect(await ended).toBe(75);
    expect(await readdir(host.folder)).toEqual([]);
  });
});

test("an odd run directory stays one word", async () => {
  const host = new Host();
  const odd = join(host.runDir, "it's $(exit 9) `x`");
  mkdirSync(odd, { mode: 0o700 });
  writeFileSync(host.script, verifyScript(odd, 1));
  expectNoAnswer(await host.ask(["sh"]), "the agent said nothing within 1 s");
});
