import { describe, expect, it } from "vitest";
import { RuntimeError } from "../runtime.ts";
import { whyNot } from "./probe.ts";

const system = (code: string) => Object.assign(new Error(`connect ${code} /host/run/x.sock`), { code });

/** Those that a test running as root can't bring about with a real socket, and the rest of them. */
describe("what a failed attempt means", () => {
  it.each([
    [
      "EACCES",
      "forbidden",
      "/run/x.sock: connect EACCES /host/run/x.sock; the agent must run as root and privileged",
    ],
    [
      "EPERM",
      "forbidden",
      "/run/x.sock: connect EPERM /host/run/x.sock; the agent must run as root and privileged",
    ],
    ["ENOENT", "absent", "/run/x.sock: no such socket"],
    ["ENOTDIR", "absent", "/run/x.sock: no such socket"],
    ["ECONNREFUSED", "absent", "/run/x.sock: nobody listens on it"],
    ["EAGAIN", "slow", "/run/x.sock: does not take a connection within 1000 ms"],
    ["ABORT_ERR", "slow", "/run/x.sock: does not take a connection within 1000 ms"],
    ["EPROTOTYPE", "nonsense", "/run/x.sock: connect EPROTOTYPE /host/run/x.sock"],
  ])("%s", (code, kind, message) => {
    expect(whyNot("/run/x.sock", system(code))).toEqual({ kind, message });
  });

  it.each([
    ["too-old", "too-old"],
    ["nonsense", "nonsense"],
    ["unimplemented", "without-cri"],
    ["unavailable", "slow"],
    ["deadline", "slow"],
    ["other", "nonsense"],
  ] as const)("a runtime's failure %s", (failure, kind) => {
    expect(whyNot("/run/x.sock", new RuntimeError(failure, "words"))).toMatchObject({ kind });
  });
});
