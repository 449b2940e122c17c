/**
 * The stand-in does what kured was seen to do (facts/kured-observed.md 1 and 2), harm included: here nothing of
 * Nodelatch is in the way. "Refused" stands for any admission that says no.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiClient, type ApiClient, type ApiRequest } from "../scenarios/api-client.ts";
import { bob } from "../scenarios/world.ts";
import { MASTERS } from "../simulated/access/user.ts";
import { startApiServer, type ApiServer } from "../simulated/api-server.ts";
import { createApp, releaseApp } from "./apps.ts";
import { embeddedWorld } from "./embedded-world.ts";
import { IN_PROGRESS } from "./kured.ts";
import { fieldsOf, type Send } from "./requests.ts";
import { withStand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

let api: ApiServer;
let client: ApiClient;

beforeAll(async () => {
  const allow = () => true;
  api = await startApiServer({ users: [{ username: "admin", groups: [MASTERS], token: "admin" }], allow });
  client = createApiClient({ url: api.url, caPem: api.caPem, token: "admin" });
});
afterAll(async () => {
  client.close();
  await api.close();
});

/** The embedded server, and something that refuses requests of kured's. */
function world(refuses: (request: ApiRequest) => boolean = () => false): KuredWorld {
  const plain = embeddedWorld(client.send);
  return {
    ...plain,
    async podSend(daemonSet, node, bound): Promise<Send> {
      const send = await plain.podSend(daemonSet, node, bound);
      return async (request) =>
        refuses(request) ? { status: 403, body: { message: "forbidden" }, warnings: [] } : send(request);
    },
  };
}

const cordonOf = (request: ApiRequest): unknown => fieldsOf(fieldsOf(request.body)["spec"])["unschedulable"];
const ungated = { rebootCommand: "reboot" };
const uncordon = { spec: { unschedulable: null } };

describe.concurrent("kured, left to itself,", () => {
  test("sends these requests in this order", async () => {
    const kured = {
      ...ungated,
      annotateNodes: true,
      preRebootNodeLabels: { pre: "1" },
      postRebootNodeLabels: { post: "1" },
    };
    await withStand(world(), { kured }, async (stand) => {
      await createApp(stand, "app");
      stand.kured.start();
      await stand.untilDone();
      await stand.untilLogged("Reboot not required");
      const short = stand.kured.sent.map(({ method, path, status }) => {
        const resource = /\/(nodes|daemonsets|pods)\b.*?(\/eviction)?$/.exec(path);
        return `${method} ${resource?.[1] ?? path}${resource?.[2] ?? ""} ${status}`;
      });
      const node = "PATCH nodes 200";
      const lock = ["GET daemonsets 200", "PUT daemonsets 200"];
      const inBetween = ["GET pods 200", "POST pods/eviction 200", "GET pods 404"];
      const look = ["GET daemonsets 200", "GET nodes 200"];
      const marked = ["GET nodes 200", node];
      const locked = ["GET daemonsets 200", ...lock];
      const atFirst = [...look, ...marked, ...locked, node, node, ...inBetween];
      const afterwards = [...look, node, node, node, ...lock];
      expect(short).toEqual([...atFirst, ...afterwards]);
    });
  });

  test("reboots a node that somebody uncordoned in its delay", async () => {
    const kured = { ...ungated, rebootDelayMillis: 100 };
    await withStand(world(), { kured }, async (stand) => {
      stand.kured.start();
      await stand.beforeReboot(async () => {
        expect(stand.kured.logged("Delaying reboot")).toBe(1);
        expect(await stand.patch(bob, uncordon)).toMatchObject({ status: 200 });
      });
      await stand.until("the reboot", () => stand.machine.reboots.length > 0);
      expect(stand.machine.reboots[0]).toMatchObject({ cordoned: false });
    });
  });

  test("killed in its delay, uncordons and releases at its start, and begins anew", async () => {
    const kured = { ...ungated, rebootDelayMillis: 60_000 };
    await withStand(world(), { kured }, async (stand) => {
      stand.kured.start();
      await stand.untilLogged("Delaying reboot");
      stand.kured.options = { ...stand.kured.options, rebootDelayMillis: 100 };
      await stand.kured.restart();
      await stand.untilLogged("Uncordoned");
      expect(stand.machine.reboots).toEqual([]);
      await stand.untilLogged("Delaying reboot", 2);
      await stand.until("the reboot", () => stand.machine.reboots.length === 1);
    });
  });

  test("exits again and again while its uncordon is refused, holding its lock", async () => {
    let refusing = true;
    const refuses = (request: ApiRequest): boolean => refusing && cordonOf(request) === null;
    await withStand(world(refuses), { kured: ungated }, async (stand) => {
      const { kured } = stand;
      kured.start();
      await stand.until("three exits", () => kured.exits.length >= 3);
      expect(kured.exits[0]).toMatchObject({ code: 1 });
      expect(kured.exits[0]?.message).toContain(`Error uncordonning ${stand.node}: cordon error: forbidden`);
      expect(kured.logged("Reboot not required")).toBe(0);
      refusing = false;
      await stand.untilDone();
    });
  });

  test("waits for ever for a reboot that a command without a shell never began", async () => {
    // A program that ignores its arguments, as a gate may: it succeeds, and nobody runs what comes after `&&`.
    const kured = { rebootCommand: "exit 0 && reboot" };
    await withStand(world(), { kured }, async (stand) => {
      stand.kured.start();
      await stand.untilLogged("Waiting for reboot");
      expect(stand.machine.reboots).toEqual([]);
    });
  });

  test("takes a refused cordon without a crash, sends no uncordon, and retries", async () => {
    let refusing = true;
    const refuses = (request: ApiRequest): boolean => refusing && cordonOf(request) === true;
    await withStand(world(refuses), { kured: ungated }, async (stand) => {
      const { kured } = stand;
      kured.start();
      await stand.untilLogged("Performing a best-effort uncordon", 2);
      expect(new Set(kured.nodeWrites())).toEqual(new Set(['PATCH {"spec":{"unschedulable":true}} 403']));
      expect(kured.exits).toEqual([]);
      refusing = false;
      await stand.until("the reboot", () => stand.machine.reboots.length === 1);
    });
  });

  test("reboots a node that it could neither cordon nor drain, if forced", async () => {
    const refuses = (request: ApiRequest): boolean => cordonOf(request) === true;
    await withStand(world(refuses), { kured: { ...ungated, forceReboot: true } }, async (stand) => {
      stand.kured.start();
      await stand.until("the reboot", () => stand.machine.reboots.length === 1);
      expect(stand.machine.reboots[0]).toMatchObject({ cordoned: false });
    });
  });

  test("releases its lock before the uncordon after a failed drain; refused, that leaves a cordon for ever", async () => {
    const refuses = (request: ApiRequest): boolean => cordonOf(request) === null;
    await withStand(world(refuses), { kured: { ...ungated, drainTimeoutMillis: 300 } }, async (stand) => {
      const { kured } = stand;
      await createApp(stand, "app", { finalizer: "example.com/hold" });
      kured.start();
      await stand.until("its exit", () => kured.exits.length > 0);
      await releaseApp(stand, "app");
      await stand.until("the reboot", () => stand.machine.reboots.length === 1);
      await stand.untilLogged("Reboot not required");
      expect(await stand.view()).toMatchObject({ unschedulable: true });
    });
  });

  test("tries an eviction again while a disruption budget refuses it", async () => {
    let refused = 0;
    const tooMany = async (send: Send, request: ApiRequest) => {
      if (!request.path.endsWith("/eviction") || refused >= 3) return send(request);
      refused += 1;
      return { status: 429, body: { message: "disruption budget" }, warnings: [] };
    };
    const plain = world();
    const budget: KuredWorld = {
      ...plain,
      async podSend(...args): Promise<Send> {
        const send = await plain.podSend(...args);
        return async (request) => tooMany(send, request);
      },
    };
    await withStand(budget, { kured: ungated }, async (stand) => {
      await createApp(stand, "app");
      stand.kured.start();
      await stand.until("the reboot", () => stand.machine.reboots.length === 1);
      expect(stand.kured.sent.filter(({ status }) => status === 429)).toHaveLength(3);
      expect(stand.machine.reboots[0]?.pods).toEqual([]);
    });
  });

  test("does not touch a node that was cordoned before, and leaves it so", async () => {
    await withStand(world(), { kured: ungated, spec: { unschedulable: true } }, async (stand) => {
      stand.kured.start();
      await stand.untilLogged("Reboot not required");
      expect(stand.kured.nodeWrites()).toEqual([]);
      expect(await stand.view()).toMatchObject({ unschedulable: true });
    });
  });

  test("leaves its annotation while a reboot is still wanted", async () => {
    const kured = { rebootCommand: "exit 7", annotateNodes: true };
    await withStand(world(), { kured }, async (stand) => {
      stand.kured.start();
      await stand.untilLogged("Uncordoned");
      expect(await stand.annotations()).toHaveProperty([IN_PROGRESS]);
      expect(stand.kured.exits[0]?.message).toContain("exit status 7");
    });
  });
});
