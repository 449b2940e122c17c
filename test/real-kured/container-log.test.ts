import { expect, test } from "vitest";
import { ContainerLog } from "./container-log.ts";

const at = (time: string, text: string): string => `2026-11-22T05:00:${time}Z stderr F ${text}`;

test("lines of all lives, once each, oldest first", () => {
  const log = new ContainerLog();
  log.add([at("02.5", "third"), at("01", "first")].join("\n"));
  log.add([at("01.25", "second"), at("02.5", "third"), ""].join("\n"));
  log.add("a line that is cut off\n");
  expect(log.lines).toEqual(["first", "second", "third"]);
});

test("the same words at two times are two lines", () => {
  const log = new ContainerLog();
  log.add([at("01.1", "Reboot required"), at("16.1", "Reboot required")].join("\n"));
  expect(log.lines).toHaveLength(2);
});

test("fractions of a second count by their value, not by their length", () => {
  const log = new ContainerLog();
  log.add([at("01.12", "second"), at("01.1", "first")].join("\n"));
  expect(log.lines).toEqual(["first", "second"]);
});
