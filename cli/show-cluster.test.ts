/** What is shown of a cluster: status, history, doctor, completion. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { MASTERS } from "../test/simulated/access/user.ts";
import { run, timeless, type Ran } from "./testing/cli-kit.ts";
import { BOOT, StageKit } from "./testing/stage-kit.ts";

let kit: StageKit;
beforeAll(async () => {
  kit = await StageKit.start();
}, 120_000);
afterAll(async () => kit.stage.close());

const as = async (...line: Parameters<StageKit["as"]>): Promise<Ran> => kit.as(...line);
const makeNode = async (...node: Parameters<StageKit["makeNode"]>): Promise<void> => kit.makeNode(...node);

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
    expect(out.split("\n")[0]).toMatch(
      /LAST REFUSAL +GHOST +UNCORDON KEPT +REASON +RELEASE +HOLDER NODE +READY +BOOT ID$/,
    );
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
    await kit.stage.client.send({ ...uncordon, as: bob, contentType: "application/merge-patch+json" });
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

describe("doctor", () => {
  test("finds the webhook registered as the chart says, reached and trusted", async () => {
    await makeNode("doc");
    await as("alice", "lock doc");
    const { code, out } = await as("bob", "doctor");
    const lines = out.split("\n").map((line) => line.replace(/^(\w+ +\S+).*$/, "$1"));
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
    env: { KUBECONFIG: kit.fileOf("alice") },
  });
  expect(out).toBe("tab-1\n:4");
});
