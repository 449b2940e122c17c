/** The commands against the embedded API server with the real webhook behind it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { MASTERS } from "../test/simulated/access/user.ts";
import { nodeFixture } from "../test/simulated/node-fixture.ts";
import { startStage, type Stage } from "../test/simulated/stage.ts";
import { run, timeless, type Ran, type RunOptions } from "./testing/cli-kit.ts";

let stage: Stage;
const BOOT = "b0070000-0000-4000-8000-000000000001";
const files = new Map<string, string>();

beforeAll(async () => {
  const admins = ["alice", "bob", "carol"].map((username) => ({ username, groups: [MASTERS] }));
  // Writes nodes and reads Events, but no Pods, Secrets or configurations, and may break no lock.
  stage = await startStage({ users: [...admins, { username: "dave", groups: ["node-writers"] }] });
  for (const user of ["alice", "bob", "carol", "dave"]) files.set(user, await stage.kubeconfigFile(user));
}, 60_000);
afterAll(() => stage.close());

async function as(user: string, line: string, options: RunOptions = {}): Promise<Ran> {
  // Words in double quotes stay together.
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  return run([...words, "--kubeconfig", files.get(user) ?? ""], options);
}

async function makeNode(
  name: string,
  part: { unschedulable?: boolean; annotations?: Record<string, string> } = {},
) {
  const body = nodeFixture({ name, bootID: BOOT, ...part });
  const answer = await stage.client.send({ method: "POST", path: "/api/v1/nodes", body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
}

async function makePod(name: string, nodeName: string, kind: string): Promise<void> {
  const answer = await stage.client.send({
    method: "POST",
    path: "/api/v1/namespaces/default/pods",
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        ownerReferences: [{ apiVersion: "apps/v1", kind, name: "x", uid: "u", controller: true }],
      },
      spec: { nodeName, containers: [{ name: "c", image: "i" }] },
      status: { phase: "Running" },
    },
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
}

describe("lock, verify, unlock", () => {
  test("the whole way of a node through its reboot", async () => {
    await makeNode("way");
    await makePod("agent", "way", "DaemonSet");
    await makePod("web", "way", "ReplicaSet");
    expect(await as("alice", "verify way")).toEqual({
      code: 1,
      out:
        "way: closed\n" +
        "  node way has no reboot lock (annotation nodelatch.io/reboot-lock)\n" +
        "  node way is not cordoned\n" +
        "  1 pod is left: default/web",
      err: "",
    });
    expect(await as("alice", 'lock way --reason "kernel update"')).toEqual({
      code: 0,
      out: "node/way locked and cordoned by alice",
      err: "",
    });
    const closed = await as("bob", "verify way -o json");
    expect(closed.code).toBe(1);
    expect(JSON.parse(closed.out)).toEqual({
      apiVersion: "cli.nodelatch.io/v1",
      kind: "GateVerdict",
      node: "way",
      verdict: "closed",
      reasons: [{ rule: "pods-left", text: "1 pod is left: default/web", mayPass: true }],
    });
    const drained = as("bob", "verify node/way --wait 10m");
    await stage.client.send({
      method: "DELETE",
      path: "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0",
    });
    expect(await drained).toEqual({
      code: 0,
      out: "way: open: locked by alice (kernel update), cordoned and drained",
      err: "",
    });
    const others = await as("bob", "verify way --holder kured");
    expect(others.out).toBe("way: closed\n  the reboot lock is held by alice, not by kured");
    const refused = await as("bob", "unlock way");
    expect(refused.code).toBe(1);
    expect(timeless(refused.err)).toBe(
      "error: node way is locked for reboot by alice (kernel update) since CLOCK; " +
        'to break it: kubectl nodelatch unlock way --force --reason "<why>"',
    );
    expect(await as("alice", "unlock way")).toEqual({
      code: 0,
      out: "node/way unlocked, uncordoned",
      err: "",
    });
    expect(await as("alice", "unlock way")).toEqual({ code: 0, out: "node/way is not locked", err: "" });
  });

  test("a node that was cordoned before stays cordoned", async () => {
    await makeNode("was", { unschedulable: true });
    await as("alice", "lock was");
    expect((await as("alice", "unlock was")).out).toBe("node/was unlocked, still cordoned");
  });

  test("--keep-cordon and --no-cordon leave the cordon as it is", async () => {
    await makeNode("keep");
    await as("alice", "lock keep");
    expect((await as("alice", "unlock keep --keep-cordon")).out).toBe("node/keep unlocked, still cordoned");
    await makeNode("open");
    expect((await as("alice", "lock open --no-cordon")).out).toBe(
      "node/open locked, and not cordoned by alice",
    );
    expect((await as("alice", "unlock open")).out).toBe("node/open unlocked, not cordoned");
  });

  test("a ttl and a release are the server's to stamp; one's own lock can be changed", async () => {
    await makeNode("ttl");
    const first = await as("alice", "lock ttl --ttl 2h --release uncordon");
    expect(first.code).toBe(0);
    expect(timeless(first.out)).toMatch(
      /^node\/ttl locked and cordoned by alice; expires in (?:2h|1h59m) \(TIME\)$/,
    );
    expect((await as("alice", "lock ttl --reason other")).out).toBe("node/ttl locked and cordoned by alice");
    const taken = await as("bob", "lock ttl");
    expect(taken).toMatchObject({ code: 1, out: "" });
    expect(taken.err).toContain("node ttl is locked for reboot by alice (other)");
  });

  test("a ttl beyond the server's bound is refused in its words", async () => {
    await makeNode("bound");
    const refused = await as("alice", "lock bound --ttl 9d");
    expect(refused).toEqual({
      code: 1,
      out: "",
      err: 'error: annotation nodelatch.io/reboot-lock: ttl="9d": the lock would last longer than 168h, the maximum',
    });
  });

  test("break-glass wants the right and a reason, and leaves a record", async () => {
    await makeNode("glass");
    await as("alice", "lock glass");
    const denied = await as("dave", 'unlock glass --force --reason "no disk"');
    expect(denied.code).toBe(1);
    expect(denied.err).toContain("dave may not break it: verb override on rebootlocks.nodelatch.io");
    const broken = await as("carol", 'unlock glass --force --reason "disk on fire"');
    expect(broken).toEqual({
      code: 0,
      out: "node/glass lock of alice broken, uncordoned",
      err: "Warning: nodelatch: the reboot lock on glass was broken; it was held by alice",
    });
    const told = await as("bob", "history glass");
    expect(told.code).toBe(0);
    expect(timeless(told.out)).toMatch(/^WHEN +TYPE +REASON +COUNT +MESSAGE\n/);
    expect(timeless(told.out)).toMatch(/0s ago +Normal +LockBroken +by carol, held by alice: disk on fire$/m);
  });

  test("an override that was left behind with the same words is made a new act", async () => {
    await makeNode("left", { unschedulable: true, annotations: { "nodelatch.io/override": "again" } });
    await as("alice", "lock left");
    expect((await as("carol", "unlock left --force --reason again")).out).toBe(
      "node/left lock of alice broken, still cordoned",
    );
  });

  test("--as acts as somebody else", async () => {
    await makeNode("other");
    expect((await as("alice", "lock other --as erin --as-group system:masters --as-group more")).out).toBe(
      "node/other locked and cordoned by erin",
    );
    const refused = await as("dave", "lock other --as erin");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain('User "dave" cannot impersonate');
  });
});

describe("status", () => {
  test("a table of the nodes that are asked for", async () => {
    const report = (networks: object[]): Record<string, string> => ({
      "nodelatch.io/boot-report": JSON.stringify({ bootID: BOOT, proven: true, findings: [], networks }),
    });
    await makeNode("s1", { annotations: report([{ stale: 0, waiting: 0 }]) });
    await makeNode("s2", { annotations: report([{ stale: 2, waiting: 1 }]) });
    await as("alice", 'lock s2 --reason "new disk" --ttl 90m --no-cordon');
    await as("bob", "unlock s2");
    const { out } = await as("bob", "status s2 s1");
    // 90 minutes less a moment, by the API server's clock, which tells whole seconds.
    expect(timeless(out).replace("in 1h29m", "in 1h30m")).toBe(
      [
        "NODE   LOCK   HOLDER   AGE   EXPIRES    CORDONED   BOOT      LEASES               LAST REFUSAL",
        "s1     -      -        -     -          no         clean     0 stale              -",
        "s2     held   alice    0s    in 1h30m   no         unclean   2 stale, 1 waiting   -",
      ].join("\n"),
    );
  });

  test("-o wide says why, -o json and -o yaml say it all", async () => {
    await makeNode("w1");
    await as("alice", 'lock w1 --reason "new disk"');
    const { out } = await as("bob", "status w1 -o wide");
    expect(out.split("\n")[0]).toMatch(/LAST REFUSAL +REASON +RELEASE +HOLDER NODE +READY +BOOT ID$/);
    expect(out).toMatch(/new disk +explicit +- +yes +b0070000-0000-4000-8000-000000000001$/);
    const json: unknown = JSON.parse((await as("bob", "status w1 -o json")).out);
    expect(json).toMatchObject({
      apiVersion: "cli.nodelatch.io/v1",
      kind: "NodeStatusList",
      items: [
        {
          name: "w1",
          ready: true,
          cordoned: true,
          boot: null,
          lastRefusal: null,
          lock: {
            state: "held",
            holder: "alice",
            reason: "new disk",
            release: "explicit",
            wasUnschedulable: false,
          },
        },
      ],
    });
    expect(parse((await as("bob", "status w1 -o yaml")).out)).toEqual(json);
  });

  test("a refused uncordon is the node's last refusal, and in its history", async () => {
    await makeNode("r1");
    await as("alice", "lock r1");
    const uncordon = {
      method: "PATCH",
      path: "/api/v1/nodes/r1",
      body: { spec: { unschedulable: null } },
    } as const;
    const bob = { user: "bob", groups: [MASTERS] };
    await stage.client.send({ ...uncordon, as: bob, contentType: "application/merge-patch+json" });
    // Events are written behind the answers' backs.
    await expect.poll(async () => (await as("bob", "status r1")).out).toMatch(/yes +- +- +\d+s ago$/);
    expect((await as("bob", "history r1")).out).toMatch(/Warning +UncordonRefused +.*bob/);
    const history: unknown = JSON.parse((await as("bob", "history r1 -o json")).out);
    expect(history).toMatchObject({ kind: "NodeHistory", node: "r1" });
    expect(JSON.stringify(history)).toContain('"from":"annotation","message":"by alice"');
  });

  test("--locked leaves out the others; every node is listed without a name", async () => {
    await makeNode("l1");
    await makeNode("l2");
    await as("alice", "lock l1");
    const { out } = await as("bob", "status --locked");
    expect(out).toMatch(/^l1 /m);
    expect(out).not.toMatch(/^l2 /m);
    expect((await as("bob", "status")).out).toMatch(/^l2 /m);
  });

  test("-w prints a node when it changes, and only then", async () => {
    await makeNode("v1");
    await makeNode("v2");
    const stop = new AbortController();
    let seen = "";
    const watching = as("bob", "status v1 v2 -w", {
      signal: stop.signal,
      onLine: (line) => {
        seen += `${line}\n`;
        if (/^v1 +held/m.test(seen)) stop.abort();
      },
    });
    await expect.poll(() => seen).toMatch(/^v2/m);
    await as("alice", "lock v1");
    expect((await watching).code).toBe(130);
    expect(seen.match(/^v2/gm)).toHaveLength(1);
  });

  test("colours only where they are wanted", async () => {
    await makeNode("c1");
    await as("alice", "lock c1");
    expect((await as("bob", "status c1", { colors: true })).out).toContain("\u001b[33mheld\u001b[0m");
    expect((await as("bob", "status c1")).out).not.toContain("\u001b");
  });
});

describe("who may not, and what is not there", () => {
  test.each<[string, string, number, string]>([
    ["alice", "verify nosuch", 1, ""],
    ["alice", "lock nosuch", 1, "error: node nosuch does not exist; kubectl get nodes shows which do"],
    ["alice", "unlock nosuch", 1, "error: node nosuch does not exist; kubectl get nodes shows which do"],
    ["alice", "status nosuch", 1, "error: node nosuch does not exist; kubectl get nodes shows which do"],
    ["alice", "history nosuch", 1, "error: node nosuch does not exist; kubectl get nodes shows which do"],
    [
      "dave",
      "verify d1",
      1,
      'error: list the Pods on node d1: pods is forbidden: User "dave" cannot list resource "pods" in API group "" at the cluster scope',
    ],
  ])("%s: %s", async (user, line, code, err) => {
    await makeNode("d1").catch(() => {});
    expect(await as(user, line)).toMatchObject({ code, err });
  });
});

describe("doctor", () => {
  test("finds the webhook registered as the chart says, reached and trusted", async () => {
    await makeNode("doc");
    await as("alice", "lock doc");
    const { code, out } = await as("bob", "doctor");
    const lines = out.split("\n").map((line) => line.slice(0, 21).trim());
    expect(lines).toContain("ok    api-server");
    expect(lines).toContain("ok    guard");
    expect(lines).toContain("ok    guard-ca");
    expect(lines).toContain("ok    latch");
    expect(lines).toContain("ok    latch-ca");
    expect(lines).toContain("ok    latch-answers");
    expect(lines).toContain("ok    guard-refuses");
    expect(out).toContain("the Secret's CA among them");
    expect(out).toContain("bob may: status, lock and unlock, verify, history, unlock --force");
    // There are no pods in this server: that is one thing wrong.
    expect(lines).toContain("fail  webhook-pods");
    expect(code).toBe(1);
  });

  test("skips what it may not see, and says what its user may not do", async () => {
    const { out } = await as("dave", "doctor");
    expect(out).toMatch(/^skip {2}guard +.*cannot get resource "validatingwebhookconfigurations"/m);
    expect(out).toMatch(/^skip {2}webhook-pods +.*cannot list resource "pods"/m);
    expect(out).toContain("dave may: status, lock and unlock, history; may not: verify, unlock --force");
  });

  test("-o json is the same for programs", async () => {
    const { out } = await as("bob", "doctor -o json");
    expect(JSON.parse(out)).toMatchObject({
      apiVersion: "cli.nodelatch.io/v1",
      kind: "Diagnosis",
      healthy: false,
    });
    expect(out).toContain('"check": "api-server",');
  });
});

test("completion offers the cluster's nodes", async () => {
  await makeNode("tab-1");
  const { out } = await run(["__complete", "unlock", "tab"], {
    env: { KUBECONFIG: files.get("alice") ?? "" },
  });
  expect(out).toBe("tab-1\n:4");
});

describe("without the webhook", () => {
  test("a lock is nobody's and says so; the gate stays shut; the doctor sees it", async () => {
    await makeNode("alone");
    await makeNode("free");
    stage.webhook.kill("SIGKILL");
    const taken = await as("alice", "lock alone");
    expect(taken).toMatchObject({ code: 1, out: "" });
    expect(taken.err).toContain("node alone is locked, but the webhook did not stamp the lock");
    const shut = await as("alice", "verify alone");
    expect(shut).toMatchObject({ code: 1 });
    expect(shut.out).toContain("the reboot lock was not stamped by the webhook");
    expect((await as("alice", "status alone")).out).toMatch(/^alone +unknown/m);
    const { out } = await as("alice", "doctor");
    expect(out).toMatch(/^fail {2}latch-answers +a lock of \S+ was not stamped/m);
    expect(out).toMatch(/^fail {2}guard-refuses .*failed calling webhook/m);
    expect(out).toMatch(/^warn {2}locks +locks without a known holder: alone$/m);
    const unlocked = await as("alice", "unlock alone");
    expect(unlocked).toMatchObject({ code: 75 });
    expect(unlocked.err).toContain('failed calling webhook "guard.nodelatch.io"');
  }, 30_000);
});
