/** Ghost locks as people and programs see them, with an API server that says who is still there. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ApiServer, status, type ApiAnswer } from "../../kube/testing/api-server.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { formatTime, writeRecord, type LockRecord } from "../../lock/record.ts";
import { run, timeless } from "../testing/cli-kit.ts";

const KURED = "system:serviceaccount:kube-system:kured";
const MINUTE = 60_000;
const ago = (millis: number): string => formatTime(Date.now() - millis);

const folder = await mkdtemp(join(tmpdir(), "nodelatch-ghosts-"));
const file = join(folder, "config");
const server = await new ApiServer(() => status(500, "InternalError", "not set")).listen();
beforeAll(async () => {
  const cluster = { server: `https://127.0.0.1:${server.port}`, "insecure-skip-tls-verify": true };
  const config = {
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  };
  await writeFile(file, JSON.stringify(config));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function node(name: string, lock: Partial<LockRecord>, isReady = true, awayMillis = 0): unknown {
  const record = lockRecord({
    holder: KURED,
    holderNode: name,
    nodeUID: name,
    acquiredAt: ago(3 * 60 * MINUTE),
    ...lock,
  });
  const ready = {
    type: "Ready",
    status: isReady ? "True" : "Unknown",
    lastTransitionTime: ago(isReady ? 999 * MINUTE : awayMillis),
  };
  return {
    metadata: { name, uid: name, annotations: { "nodelatch.io/reboot-lock": writeRecord(record) } },
    spec: { unschedulable: true },
    status: { nodeInfo: { bootID: "boot-1" }, conditions: [ready] },
  };
}
const pod = (nodeName: string, phase = "Running"): unknown => ({ spec: { nodeName }, status: { phase } });

let nodes: readonly unknown[];
let accounts: ApiAnswer;
let pods: ApiAnswer;
const list = (kind: string, items: readonly unknown[]): ApiAnswer => ({ status: 200, json: { kind, items } });
beforeEach(() => {
  server.requests.length = 0;
  nodes = [node("n1", {}), node("n2", {})];
  accounts = list("ServiceAccountList", [{ metadata: { name: "kured" } }]);
  pods = list("PodList", [pod("n1"), pod("n2")]);
  server.answer = ({ path }) => {
    if (path === "/api/v1/nodes") return list("NodeList", nodes);
    if (path === "/api/v1/namespaces/kube-system/serviceaccounts") return accounts;
    if (path === "/api/v1/namespaces/kube-system/pods") return pods;
    return path.endsWith("/events") ? list("EventList", []) : status(404, "NotFound", "no such path");
  };
});
const show = async (...words: readonly string[]) => run(["status", "--kubeconfig", file, ...words]);
const statesIn = (out: string): readonly string[] =>
  out
    .split("\n")
    .slice(1)
    .map((line) => line.split(/ {3,}/)[1] ?? "");

test("of those in use none is called a ghost, and each account is asked for once", async () => {
  const { out, err } = await show();
  expect(statesIn(out)).toEqual(["held", "held"]);
  expect(err).toBe("");
  expect(server.requests.map(({ path, query }) => `${path}?${query.get("fieldSelector") ?? ""}`)).toEqual([
    "/api/v1/nodes?",
    "/api/v1/namespaces/default/events?involvedObject.kind=Node,reason=UncordonRefused",
    "/api/v1/namespaces/kube-system/serviceaccounts?metadata.name=kured",
    "/api/v1/namespaces/kube-system/pods?spec.serviceAccountName=kured",
  ]);
});

test("the signs stand below the table, in -o wide and in -o json", async () => {
  nodes = [node("n1", {}), node("n2", { reason: "" }, false, 40 * MINUTE)];
  pods = list("PodList", [pod("n1"), pod("n2", "Failed")]);
  const { out, err } = await show("--locked", "-o", "wide");
  expect(timeless(out)).toBe(
    [
      "NODE   LOCK    HOLDER                                    AGE   EXPIRES   CORDONED   BOOT   LEASES   LAST REFUSAL   GHOST                       UNCORDON KEPT   REASON          RELEASE    HOLDER NODE   READY   BOOT ID",
      "n1     held    system:serviceaccount:kube-system:kured   3h    never     yes        -      -        -              -                           -               kernel update   explicit   n1            yes     boot-1",
      "n2     ghost   system:serviceaccount:kube-system:kured   3h    never     yes        -      -        -              holder-pod-gone,not-ready   -               -               explicit   n2            no      boot-1",
    ].join("\n"),
  );
  expect(err).toBe(
    `n2: ${KURED} has no pod on n2 any more; the node has not been ready for 40m\n` +
      'unlock NODE --force --reason "..." ends a ghost; nothing else does',
  );
  const json: unknown = JSON.parse((await show("-o", "json")).out);
  expect(json).toMatchObject({
    items: [
      { lock: { state: "held", ghost: [] } },
      {
        lock: {
          state: "ghost",
          ghost: [
            { rule: "holder-pod-gone" },
            { rule: "not-ready", text: "the node has not been ready for 40m" },
          ],
        },
      },
    ],
  });
});

test("an account that is gone leaves ghosts", async () => {
  accounts = list("ServiceAccountList", []);
  expect(statesIn((await show()).out)).toEqual(["ghost", "ghost"]);
});

test.each<[string, ApiAnswer]>([
  ["forbidden", status(403, "Forbidden", "no")],
  ["an unknown path", status(404, "NotFound", "the server could not find the requested resource")],
  ["another list", list("SecretList", [])],
])("%s is no proof that a holder is gone", async (_what, answer) => {
  accounts = answer;
  pods = answer;
  expect(statesIn((await show()).out)).toEqual(["held", "held"]);
});

test("an expiry alone is called expired; of a node that is away it makes a ghost", async () => {
  const expiresAt = ago(MINUTE);
  nodes = [node("n1", { expiresAt }), node("n2", { expiresAt }, false, MINUTE)];
  const { out, err } = await show();
  expect(statesIn(out)).toEqual(["expired", "ghost"]);
  expect(err.split("\n")[0]).toMatch(/^n2: the lock expired 1m\d?s? ago$/);
});

test("a watch does not repeat a ghost as its age goes on, and asks for its holder now and then", async () => {
  // One lock all the time: another second would be another lock, and news.
  const acquiredAt = ago(3 * 60 * MINUTE);
  nodes = [node("n1", { acquiredAt }, false, 20 * MINUTE - 1_000)];
  const stop = new AbortController();
  let looks = 0;
  const answer = server.answer;
  server.answer = (asked) => {
    if (asked.path === "/api/v1/nodes") {
      looks += 1;
      nodes = [node("n1", { acquiredAt }, false, (20 + looks) * MINUTE)];
      if (looks === 4) stop.abort();
    }
    return answer(asked);
  };
  const watched = await run(["status", "-w", "--kubeconfig", file], { signal: stop.signal });
  expect(watched.code).toBe(130);
  expect(watched.out.split("\n")).toHaveLength(2);
  expect(watched.err.match(/not been ready/g)).toHaveLength(1);
  expect(server.requests.filter(({ path }) => path.endsWith("/serviceaccounts"))).toHaveLength(1);
});

test("the doctor tells each ghost with its remedy", async () => {
  nodes = [node("n1", {}), node("n2", {}, false, 40 * MINUTE)];
  pods = list("PodList", [pod("n1"), pod("n2")]);
  const answer = server.answer;
  server.answer = (asked) =>
    asked.path === "/version"
      ? { status: 200, json: { major: "1", minor: "35", gitVersion: "v1.35.4" } }
      : answer(asked);
  const { out } = await run(["doctor", "--kubeconfig", file]);
  expect(out).toMatch(
    /^warn {2}ghost-locks +n2: the node has not been ready for 40m\n +-> look at the node; .* unlock n2 --force/m,
  );
  expect(out).not.toContain("n1:");
  nodes = [node("n1", {})];
  expect((await run(["doctor", "--kubeconfig", file])).out).toMatch(
    /^ok {4}ghost-locks +no lock has been left behind$/m,
  );
});
