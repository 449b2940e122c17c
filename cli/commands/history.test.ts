/** Whose Events are a node's history. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { run, timeless } from "../testing/cli-kit.ts";
import { KubeconfigKit } from "../testing/kubeconfig-kit.ts";

const kit = await KubeconfigKit.start();
const file = await kit.kubeconfig("config");
afterAll(async () => kit.close());

const event = (component: string, reason: string, count: number, minute: string): unknown => ({
  type: "Warning",
  reason,
  count,
  message: `${reason} it is`,
  source: { component },
  involvedObject: { kind: "Node", name: "n1" },
  lastTimestamp: `2026-11-21T09:${minute}:00Z`,
});
const ITEMS = [
  event("nodelatch-agent", "RebootRefused", 1, "20"),
  event("kubelet", "Rebooted", 1, "15"),
  event("nodelatch-webhook", "UncordonRefused", 7, "10"),
];

let items: readonly unknown[];
beforeEach(() => {
  items = ITEMS;
  kit.server.requests.length = 0;
  kit.server.answer = ({ path }) =>
    path === "/api/v1/nodes/n1"
      ? { status: 200, json: { kind: "Node", metadata: { name: "n1" } } }
      : { status: 200, json: { kind: "EventList", items } };
});

async function reasons(...words: readonly string[]): Promise<readonly string[]> {
  const { code, out } = await run(["history", "n1", "--kubeconfig", file, ...words]);
  expect(code).toBe(0);
  const rows = timeless(out).split("\n").slice(1);
  return rows.map((row) => row.replace(/^.* ago +Warning +/, "").replace(/ +/g, " "));
}

test("Nodelatch's own, the oldest first, of this node alone", async () => {
  expect(await reasons()).toEqual([
    "UncordonRefused x7 UncordonRefused it is",
    "RebootRefused RebootRefused it is",
  ]);
  const asked = kit.server.requests.map(({ query }) => query.get("fieldSelector") ?? "").join();
  expect(asked).toContain("involvedObject.kind=Node");
  expect(asked).toContain("involvedObject.name=n1");
});

test("with --all everybody's", async () => {
  expect(await reasons("--all")).toEqual([
    "UncordonRefused x7 UncordonRefused it is",
    "Rebooted Rebooted it is",
    "RebootRefused RebootRefused it is",
  ]);
});

test("of a node of which nothing is known, that is said, and no table", async () => {
  items = [];
  expect(await run(["history", "n1", "--kubeconfig", file])).toEqual({
    code: 0,
    out: "",
    err: "nothing is known of node n1",
  });
});
