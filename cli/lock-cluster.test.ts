/** Locks, from taking to breaking them, against the embedded API server with the real webhook behind it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { timeless, type Ran } from "./testing/cli-kit.ts";
import { StageKit } from "./testing/stage-kit.ts";

let kit: StageKit;
beforeAll(async () => {
  kit = await StageKit.start();
}, 120_000);
afterAll(async () => kit.stage.close());

const as = async (...line: Parameters<StageKit["as"]>): Promise<Ran> => kit.as(...line);
const makeNode = async (...node: Parameters<StageKit["makeNode"]>): Promise<void> => kit.makeNode(...node);

describe("lock, verify, unlock", () => {
  test("the whole way of a node through its reboot", async () => {
    await makeNode("way");
    await kit.makePod("agent", "way", "DaemonSet");
    await kit.makePod("web", "way", "ReplicaSet");
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
    const drained = await as("bob", "verify node/way --wait 10m", {
      onComplaint: () => {
        const path = "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0";
        void kit.stage.client.send({ method: "DELETE", path });
      },
    });
    expect(drained).toEqual({
      code: 0,
      out: "way: open: locked by alice (kernel update), cordoned and drained",
      err: "waiting: 1 pod is left: default/web",
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

  test("an uncordon that was refused is kept, shown, and carried out at the end of the lock, or not", async () => {
    for (const name of ["kept", "withdrawn"]) {
      await makeNode(name, { unschedulable: true });
      await as("alice", `lock ${name}`);
      expect((await as("bob", `unlock ${name}`)).code).toBe(1);
      const path = `/api/v1/nodes/${name}`;
      const body = { spec: { unschedulable: null } };
      const bob = { user: "bob", groups: ["system:masters"] };
      const contentType = "application/merge-patch+json";
      await kit.stage.client.send({ method: "PATCH", path, body, as: bob, contentType });
      // It is written behind the answer's back.
      await expect.poll(async () => (await as("alice", `status ${name} -o json`)).out).toMatch(/"by": "bob"/);
    }
    expect((await as("alice", "history kept")).out).toMatch(/UncordonKept +by bob, refused; carried out/);
    expect((await as("alice", "status kept -o wide")).out).toMatch(/ bob +- +explicit /);
    expect((await as("alice", "unlock kept")).out).toBe("node/kept unlocked, uncordoned");
    expect((await as("alice", "unlock withdrawn --keep-cordon")).out).toBe(
      "node/withdrawn unlocked, still cordoned",
    );
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
    expect(timeless(taken.err)).toBe(
      "error: node ttl is locked for reboot by alice (other) since CLOCK; " +
        'to break it: kubectl nodelatch unlock ttl --force --reason "<why>"',
    );
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

describe("without the webhook", () => {
  test("a lock is nobody's and says so; the gate stays shut; the doctor sees it", async () => {
    await makeNode("alone");
    await makeNode("free");
    kit.stage.webhook.kill("SIGKILL");
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
  }, 120_000);
});
