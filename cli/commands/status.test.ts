/** A watch of nodes while the API server comes and goes, and what is shown of a lock without its cordon. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { status } from "../../kube/testing/api-server.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { writeRecord } from "../../lock/record.ts";
import { run } from "../testing/cli-kit.ts";
import { answerEmpty, KubeconfigKit } from "../testing/kubeconfig-kit.ts";

const kit = await KubeconfigKit.start();
const file = await kit.kubeconfig("config");
afterAll(async () => kit.close());

/** Looks so far; which of them fail; the node as it is then. */
let looks: number;
let fails: (look: number) => boolean;
let isCordoned: (look: number) => boolean;
beforeEach(() => {
  looks = 0;
  fails = () => false;
  isCordoned = () => true;
  kit.server.answer = (asked) => {
    if (asked.path !== "/api/v1/nodes") return answerEmpty(asked);
    looks += 1;
    if (fails(looks)) return status(503, "ServiceUnavailable", "etcd is away");
    const annotations = { [LOCK_ANNOTATION]: writeRecord(lockRecord()) };
    const node = {
      metadata: { name: "n1", uid: "uid-n1", annotations },
      spec: { unschedulable: isCordoned(looks) },
    };
    return { status: 200, json: { kind: "NodeList", items: [node] } };
  };
});

test("a watch outlives an API server that is away for some looks, and says so once", async () => {
  const stop = new AbortController();
  fails = (look) => look >= 2 && look <= 10;
  isCordoned = (look) => look < 11;
  const watched = await run(["status", "-w", "--kubeconfig", file], {
    signal: stop.signal,
    onLine: (line) => {
      if (/^n1 .* no /.test(line)) stop.abort();
    },
  });
  expect(watched.code).toBe(130);
  expect(watched.out.split("\n")).toHaveLength(3);
  expect(watched.err).toBe("etcd is away; trying again");
});

test("one that stays away ends it", async () => {
  fails = (look) => look >= 2;
  expect(await run(["status", "-w", "--kubeconfig", file])).toMatchObject({
    code: 75,
    err: "etcd is away; trying again\nerror: list Nodes: etcd is away; try again in a moment",
  });
  expect(looks).toBe(11);
});

test("a lock without a cordon catches the eye", async () => {
  const show = async (): Promise<string> =>
    (await run(["status", "--kubeconfig", file], { colors: true })).out;
  expect(await show()).not.toContain("\u001b[31m");
  isCordoned = () => false;
  expect(await show()).toContain("\u001b[31mno\u001b[0m");
});
