import { describe, expect, test } from "vitest";
import { type ControlRequest, parseControlRequest } from "./control-request.ts";

const requests: readonly ControlRequest[] = [
  { action: "state" },
  { action: "shutdown" },
  { action: "stop", machine: null, component: "kube-apiserver" },
  { action: "start", machine: "node1", component: "kubelet" },
  { action: "kill", machine: "node1", component: "containerd" },
  { action: "power-on", machine: "node1" },
  { action: "power-off", machine: "node1" },
  { action: "exec", machine: null, argv: ["true"], timeoutMillis: 5 },
  { action: "exec", machine: "node1", argv: ["ps", "-e"], timeoutMillis: 5 },
];

describe("a control request", () => {
  test.each(requests)("survives the wire: %j", (request) => {
    expect(parseControlRequest(JSON.stringify(request))).toEqual(request);
  });

  test.each([
    ["an unknown action", { action: "explode" }, 'request.action: unknown action "explode"'],
    ["a missing machine", { action: "power-on" }, "request.machine: expected text"],
    [
      "a component that is no text",
      { action: "stop", machine: null, component: 1 },
      "request.component: expected",
    ],
    [
      "an empty command",
      { action: "exec", machine: null, argv: [], timeoutMillis: 1 },
      "request.argv: expected a list",
    ],
    [
      "a time that is none",
      { action: "exec", machine: null, argv: ["x"], timeoutMillis: 0 },
      "request.timeoutMillis",
    ],
    ["no object", [], "request: expected an object"],
  ])("is refused with %s", (_name, request, message) => {
    expect(() => parseControlRequest(JSON.stringify(request))).toThrow(message);
  });
});
