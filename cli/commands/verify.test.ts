/** What waiting helps, and what it does not. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { status, type ApiAnswer } from "../../kube/testing/api-server.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { writeRecord, type LockRecord } from "../../lock/record.ts";
import { run } from "../testing/cli-kit.ts";
import { KubeconfigKit } from "../testing/kubeconfig-kit.ts";

const kit = await KubeconfigKit.start();
const file = await kit.kubeconfig("config");
afterAll(async () => kit.close());

/** One for each look; the last one stays. */
let nodes: ApiAnswer[];
let pods: ApiAnswer;
beforeEach(() => {
  kit.server.requests.length = 0;
  nodes = [node()];
  pods = { status: 200, json: { kind: "PodList", items: [] } };
  kit.server.answer = ({ path }) => {
    if (path === "/api/v1/pods") return pods;
    const [first = status(500, "InternalError", "none")] = nodes;
    if (nodes.length > 1) nodes.shift();
    return first;
  };
});

function node(lock: Partial<LockRecord> = {}, isCordoned = true): ApiAnswer {
  const annotations = { [LOCK_ANNOTATION]: writeRecord(lockRecord(lock)) };
  return {
    status: 200,
    json: {
      kind: "Node",
      metadata: { name: "n1", uid: "uid-n1", annotations },
      spec: { unschedulable: isCordoned },
      status: { nodeInfo: { bootID: "boot-1" } },
    },
  };
}

const verify = async (...words: readonly string[]) => run(["verify", "n1", "--kubeconfig", file, ...words]);

test("what time can't mend is not waited for, and said to be so", async () => {
  nodes = [node({ expiresAt: "2026-01-01T00:00:00Z" })];
  expect(await verify("--wait", "10m")).toEqual({
    code: 1,
    out: "n1: closed\n  the reboot lock of alice expired at 2026-01-01T00:00:00Z (waiting does not help)",
    err: "",
  });
  expect(kit.server.requests).toHaveLength(3);
});

test("nor is for a right, although the rest may still come true", async () => {
  pods = status(403, "Forbidden", "pods is forbidden");
  expect(await verify("--wait", "10m")).toEqual({
    code: 1,
    out: "",
    err: "error: list the Pods on node n1: pods is forbidden",
  });
  expect(kit.server.requests).toHaveLength(2);
});

test("an API server that is away for a moment is waited for, if one waits at all", async () => {
  const away = status(503, "ServiceUnavailable", "later");
  nodes = [away, node()];
  expect(await verify()).toMatchObject({ code: 75, out: "" });
  nodes = [away, node()];
  expect(await verify("--wait", "10m")).toEqual({
    code: 0,
    out: "n1: open: locked by alice (kernel update), cordoned and drained",
    err: "waiting: later",
  });
});

test("the wait ends with the last word, and says each thing once", async () => {
  nodes = [node({}, false)];
  const words = ["verify", "n1", "--kubeconfig", file, "--wait", "60s"];
  expect(await run(words, { virtualTime: true })).toEqual({
    code: 1,
    out: "n1: closed\n  node n1 is not cordoned",
    err: "waiting: node n1 is not cordoned",
  });
  expect(kit.server.requests.length).toBeGreaterThan(3);
});
