import { expect, test } from "vitest";
import { commandWords } from "./command-words.ts";

test.each([
  ["/bin/systemctl reboot", ["/bin/systemctl", "reboot"]],
  ["/bin/sh -c '/run/verify && reboot'", ["/bin/sh", "-c", "/run/verify && reboot"]],
  ["/run/verify && reboot", ["/run/verify", "&&", "reboot"]],
  [`a "b 'c'" d\\ e ''`, ["a", "b 'c'", "d e", ""]],
  ["  a  b ", ["a", "b"]],
  ["", []],
])("%s", (line, words) => {
  expect(commandWords(line)).toEqual(words);
});

test("a quote that stays open is an error", () => {
  expect(() => commandWords("/bin/sh -c 'reboot")).toThrow("never closed");
});
