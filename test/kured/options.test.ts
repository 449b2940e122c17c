import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { commandWords } from "./command-words.ts";
import { gatedCommand, KURED_USER } from "./options.ts";

test("the command that the scenarios give to kured is the one that the manual recommends", async () => {
  const manual = await readFile(new URL("../../docs/gate.md", import.meta.url), "utf8");
  const found = /^--reboot-command="(.+)"$/m.exec(manual)?.[1];
  expect(found).toBe(gatedCommand("/bin/sh /run/nodelatch/verify --wait 2m", "/bin/systemctl reboot"));
  const script = `/bin/sh /run/nodelatch/verify --wait 2m --holder ${KURED_USER} && /bin/systemctl reboot`;
  expect(commandWords(found ?? "")).toEqual(["/bin/sh", "-c", script]);
});
