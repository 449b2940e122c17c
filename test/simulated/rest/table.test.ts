import { describe, expect, test } from "vitest";
import { nodeFixture } from "../node-fixture.ts";
import { objectAt, textAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { events, nodes } from "../objects/resource.ts";
import { humanDuration, tableOf } from "./table.ts";

const NOW = new Date("2026-01-02T04:04:05Z");
const options = { now: NOW, include: "None", version: 7 };

/** Column name to cell of the only row. */
function rowOf(table: JsonObject): Record<string, Json | undefined> {
  const columns = table["columnDefinitions"];
  const rows = table["rows"];
  if (!Array.isArray(columns) || !Array.isArray(rows)) throw new Error("not a table");
  const cells = objectAt(rows[0])["cells"];
  if (!Array.isArray(cells)) throw new Error("no cells");
  return Object.fromEntries(columns.map((column, index) => [textAt(objectAt(column), "name"), cells[index]]));
}

describe("tableOf()", () => {
  test("shows a node as kubectl users know it", () => {
    const fixture = nodeFixture({
      name: "n1",
      unschedulable: true,
      labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" },
    });
    const node = {
      ...fixture,
      metadata: { ...objectAt(fixture, "metadata"), creationTimestamp: "2026-01-02T03:04:05Z" },
    };
    expect(rowOf(tableOf(nodes, [node], options))).toEqual({
      Name: "n1",
      Status: "Ready,SchedulingDisabled",
      Roles: "control-plane,worker",
      Age: "60m",
      Version: "v1.35.4",
      "Internal-IP": "192.0.2.11",
      "External-IP": "<none>",
      "OS-Image": "Debian GNU/Linux 12 (bookworm)",
      "Kernel-Version": "6.1.0-26-amd64",
      "Container-Runtime": "containerd://1.7.24",
    });
  });

  test("shows a node that has reported nothing", () => {
    const row = rowOf(tableOf(nodes, [{ metadata: { name: "n2" } }], options));
    expect([row["Status"], row["Roles"], row["Age"], row["OS-Image"]]).toEqual([
      "Unknown",
      "<none>",
      "<unknown>",
      "<unknown>",
    ]);
  });

  test("shows an event of either form", () => {
    const event = {
      metadata: { name: "e" },
      type: "Warning",
      reason: "UncordonRefused",
      message: " no \n",
      involvedObject: { kind: "Node", name: "n1" },
      eventTime: "2026-01-02T04:03:05Z",
      reportingComponent: "nodelatch",
      reportingInstance: "pod-1",
    };
    expect(rowOf(tableOf(events, [event], options))).toMatchObject({
      "Last Seen": "60s",
      Type: "Warning",
      Reason: "UncordonRefused",
      Object: "node/n1",
      Source: "nodelatch, pod-1",
      Message: "no",
      Count: 1,
    });
  });
});

describe("humanDuration()", () => {
  test.each([
    [-5, "<invalid>"],
    [-1, "0s"],
    [119, "119s"],
    [120, "2m"],
    [130, "2m10s"],
    [600, "10m"],
    [10_799, "179m"],
    [10_860, "3h1m"],
    [28_800, "8h"],
    [172_800, "2d"],
    [190_000, "2d4h"],
    [691_200, "8d"],
    [63_072_000, "2y"],
    [70_000_000, "2y80d"],
    [260_000_000, "8y"],
  ])("%d s is %s", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});
