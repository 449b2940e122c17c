import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { quickFiles, systemError, watchedFiles } from "../testing/watched-files.ts";
import { ObservedTime } from "./observed-time.ts";

let folder: string;
let clock: { uptime: number; boot: string | undefined };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nodelatch-observed-"));
  clock = { uptime: 100, boot: "a" };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As a process that has just started. */
function observed(files = quickFiles): ObservedTime {
  const self = { mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const node = { uptimeSeconds: () => clock.uptime, bootID: () => clock.boot };
  return new ObservedTime(files, folder, node, self);
}

describe("time that the agent has watched", () => {
  it("begins with its first look and goes on with the uptime", () => {
    const time = observed();
    expect(time.seconds(0)).toBe(0);
    clock.uptime += 50;
    expect(time.seconds(0)).toBe(50);
    expect(time.seconds(0)).toBe(50);
  });

  it("goes on over restarts of the agent and of the node, never by more than the uptime", () => {
    observed().seconds(0);
    clock.uptime = 8_000;
    expect(observed().seconds(0)).toBe(7_900);
    clock.boot = "b";
    clock.uptime = 60;
    expect(observed().seconds(0)).toBe(7_960);
    clock.uptime = 90;
    expect(observed().seconds(0)).toBe(7_990);
  });

  it("never goes back, and never jumps, where uptime or boot ID are wrong", () => {
    const time = observed();
    time.seconds(0);
    clock.uptime = 5_000;
    expect(time.seconds(0)).toBe(4_900);
    clock.uptime = 10;
    expect(time.seconds(0)).toBe(4_900);
    clock.uptime = 5_000;
    expect(time.seconds(0)).toBe(4_900);
    clock.boot = undefined;
    clock.uptime = 1e9;
    expect(time.seconds(0)).toBe(4_900);
  });

  it.each(["", "{}", "null", '{"bootID":"a","uptimeSeconds":-1,"totalSeconds":5}', "garbage"])(
    "begins anew with %j in its file, or with what records say",
    (text) => {
      writeFileSync(join(folder, "observed.json"), text);
      expect(observed().seconds(0)).toBe(0);
      writeFileSync(join(folder, "observed.json"), text);
      expect(observed().seconds(700)).toBe(700);
    },
  );

  it("is written at the first look of a boot, and then once an hour", () => {
    let writes = 0;
    const time = observed(
      watchedFiles((method) => {
        if (method === "renameSync") writes += 1;
      }),
    );
    for (let minute = 0; minute < 180; minute += 10) {
      clock.uptime = 100 + minute * 60;
      time.seconds(0);
    }
    expect(writes).toBe(3);
    expect(readFileSync(join(folder, "observed.json"), "utf8")).toContain('"bootID":"a"');
  });

  it("goes on in memory while the disk is full, and is written when it is not", () => {
    let isFull = true;
    const files = watchedFiles((method) => {
      if (isFull && method === "openSync") throw systemError("ENOSPC");
    });
    const time = observed(files);
    time.seconds(0);
    clock.uptime += 7_200;
    expect(time.seconds(0)).toBe(7_200);
    isFull = false;
    expect(time.seconds(0)).toBe(7_200);
    expect(readFileSync(join(folder, "observed.json"), "utf8")).toContain("7200");
  });
});
