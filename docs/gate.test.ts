/** docs/gate.md: its lines are run, with what they would start replaced, and its tables compared with the code. */
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PROTOCOL } from "../daemonset/gate/question.ts";
import { bootID, Host, removeHosts, uptime } from "../daemonset/gate/testing/asker.ts";
import { fencesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("gate.md", import.meta.url), "utf8");
afterAll(removeHosts);

/** The line on a host of its own: what ran after the gate is in `ran`. */
async function runThere(
  commands: (line: (text: string) => string) => readonly string[],
  verdict: "open" | "closed",
): Promise<{ readonly code: number | null; readonly ran: string }> {
  const host = await new Host().prepare();
  const recorder = join(host.runDir, "systemctl");
  const ran = join(host.runDir, "ran");
  await writeFile(recorder, `#!/bin/sh\necho "$@" > ${ran}\n`);
  await chmod(recorder, 0o755);
  await mkdir(join(host.runDir, "bin"));
  await writeFile(join(host.runDir, "bin/reboot"), `#!/bin/sh\nexec ${recorder} reboot\n`, { mode: 0o755 });
  const here = (text: string): string =>
    text.replaceAll("/run/nodelatch", host.runDir).replaceAll("/bin/systemctl", recorder);
  const agent = host.whenAsked(async (nonce, folder) => {
    const text = `${PROTOCOL} ${nonce} ${bootID()} ${verdict} ${uptime()}\n${verdict}\nend ${nonce}\n`;
    await writeFile(join(folder, "whole"), text);
    await rename(join(folder, "whole"), join(folder, `${nonce}.answer`));
  });
  let code: number | null = 0;
  for (const command of commands(here)) {
    // As systemd and kured do: the next one only after success.
    ({ code } = await host.run([
      "env",
      `PATH=${join(host.runDir, "bin")}:${process.env["PATH"]}`,
      "sh",
      "-c",
      command,
    ]));
    if (code !== 0) break;
  }
  await agent;
  return { code, ran: (await readFile(ran, "utf8").catch(() => "")).trim() };
}

const fence = (start: string): string => {
  const found = fencesIn(page).find(({ text }) => text.includes(start));
  if (found === undefined) throw new Error(`no fence with ${start}`);
  return found.text;
};

/** What kured gets: shlex splits it as a shell would, and nothing else in it is special. */
const kured = /^--reboot-command="(.*)"$/.exec(fence("--reboot-command"))?.[1] ?? "";
const unit = [...fence("[Service]").matchAll(/^ExecStart=(.*)$/gm)].map(([, line = ""]) => line);
const script = fence("&& reboot");

test.each([
  ["kured's", [kured]],
  ["systemd's", unit],
  ["a script's", [script]],
])("%s line reboots through an open gate, and not through a closed one", async (_whose, lines) => {
  expect(lines.join("")).toContain("/run/nodelatch/verify");
  expect(await runThere((here) => lines.map(here), "open")).toEqual({ code: 0, ran: "reboot" });
  expect(await runThere((here) => lines.map(here), "closed")).toEqual({ code: 1, ran: "" });
});

test("kured's line without its shell is refused instead of waited for", async () => {
  const host = await new Host().prepare();
  const line = /-c '(.*)'$/.exec(kured)?.[1] ?? "";
  const words = line.replaceAll("/run/nodelatch", host.runDir).split(" ");
  expect(await host.run(words)).toMatchObject({ code: 64 });
});

test("the exit codes are the script's own", async () => {
  const codes = tableWith(page, "exit code", "meaning").rows.map(([code]) => code);
  const text = new Host().scriptText();
  const exits = [...text.matchAll(/\bexit (\d+)/g)].map(([, code]) => code);
  expect(new Set(exits)).toEqual(new Set(codes));
});
