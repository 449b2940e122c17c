import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { makeSecretKeeper } from "./keep.ts";
import type { CertificateKeeper } from "./keeper.ts";
import { FakeConfiguration } from "./testing/fake-configuration.ts";
import { FakeSecret } from "./testing/fake-secret.ts";
import { makeWorld } from "./world.ts";

const NAME = "nodelatch-webhook.nodelatch-system.svc";
/** How late the clients, as API servers, hear of a changed caBundle. */
const LAG_MILLIS = 200;
/** For so long a caBundle is there before a certificate that needs it is served. */
const SETTLE_MILLIS = 600;
/** A bound, not an expectation. */
const patient = { timeout: 30_000 };

function startKeeper(
  store: FakeSecret,
  configuration: FakeConfiguration,
  signal: AbortSignal,
): CertificateKeeper {
  const keeper = makeSecretKeeper({
    store,
    configurations: [{ configuration, required: true }],
    names: [NAME],
    settings: {
      caLifeMillis: 3_600_000,
      leafLifeMillis: 600_000,
      pollMillis: 100,
      settleMillis: SETTLE_MILLIS,
      graceMillis: 60_000,
    },
    world: makeWorld(() => 0),
    log: pino({ level: "silent" }),
  });
  void keeper.run(signal);
  return keeper;
}

/** As the webhook's main does it: first certificate at start, later ones by setSecureContext. */
async function serve(keeper: CertificateKeeper): Promise<Server> {
  const server = createServer((_request, response) => response.end("ok"));
  keeper.subscribe(({ certPem, keyPem }) => server.setSecureContext({ cert: certPem, key: keyPem }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** One call on a new connection, verified against the caBundle; gives the serial that the server showed. */
function call(port: number, ca: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", servername: NAME, ca, agent: agent ?? false };
    const sent = request(options, (response) => {
      const { socket } = response;
      // A resumed session shows no certificate again.
      const serial = socket instanceof TLSSocket ? (socket.getPeerX509Certificate()?.serialNumber ?? "") : "";
      response.resume().on("end", () => resolve(serial));
    });
    sent.on("error", reject).end();
  });
}

test("five changes of authority under concurrent clients on two servers: no failed call, each sees all certificates", async () => {
  const store = new FakeSecret();
  const configuration = new FakeConfiguration([""]);
  const stop = new AbortController();
  const keepers = [
    startKeeper(store, configuration, stop.signal),
    startKeeper(store, configuration, stop.signal),
  ];
  const servers = await Promise.all(keepers.map(serve));
  await vi.waitFor(
    () => expect(keepers.every((keeper) => keeper.health().every(({ ok }) => ok))).toBe(true),
    patient,
  );

  // Kept as it is written: a look now and then would come late in a process that is stopped for a while.
  const heard = [{ at: performance.now(), ca: configuration.caBundles[0] ?? "" }];
  configuration.onWrite = (caBundles) => {
    heard.push({ at: performance.now(), ca: caBundles[0] ?? "" });
  };
  await delay(LAG_MILLIS + 50);
  const failures: unknown[] = [];
  const serials = servers.map(() => new Set<string>());
  let calls = 0;
  const kept = new Agent({ keepAlive: true, maxSockets: 2 });
  async function client(index: number): Promise<void> {
    const port = portOf(servers[index % 2]);
    while (!stop.signal.aborted) {
      const heardAt = performance.now() - LAG_MILLIS;
      const ca = heard.findLast(({ at }) => at <= heardAt)?.ca ?? "";
      try {
        // Every third client keeps its connections, as Go's transport does.
        serials[index % 2]?.add(await call(port, ca, index % 3 === 0 ? kept : undefined));
        calls += 1;
      } catch (thrown) {
        // Nothing is promised to who acts on what it heard longer ago than the settle time, as a stopped process does.
        if (performance.now() - heardAt < SETTLE_MILLIS) failures.push(thrown);
      }
      await delay(2);
    }
  }
  const clients = Array.from({ length: 6 }, (_, index) => client(index));

  for (let change = 0; change < 5; change += 1) {
    const before = keepers.map((keeper) => keeper.current()?.caPem);
    store.write({ data: new Map(), annotations: new Map([["nodelatch.io/renew", "all"]]) });
    await vi.waitFor(
      () => expect(keepers.some((keeper, index) => keeper.current()?.caPem === before[index])).toBe(false),
      patient,
    );
    await vi.waitFor(
      () => expect(keepers.every((keeper, index) => isSeen(keeper, serials[index]))).toBe(true),
      patient,
    );
  }
  await vi.waitFor(() => expect(calls).toBeGreaterThan(200), patient);
  stop.abort();
  await Promise.all(clients);
  kept.destroy();
  for (const server of servers) server.close();

  expect(failures).toEqual([]);
  expect(serials.map((seen) => new Set([...seen].filter((serial) => serial !== "")).size)).toEqual([6, 6]);
});

test("a client that does not know the authority is refused, so the calls above do verify", async () => {
  const stop = new AbortController();
  const keeper = startKeeper(new FakeSecret(), new FakeConfiguration([""]), stop.signal);
  const other = startKeeper(new FakeSecret(), new FakeConfiguration([""]), stop.signal);
  const server = await serve(keeper);
  await vi.waitFor(() => expect(keeper.current() && other.current()).toBeDefined(), patient);
  await expect(call(portOf(server), other.current()?.caPem ?? "")).rejects.toThrow(/certificate/);
  await expect(call(portOf(server), keeper.current()?.caPem ?? "")).resolves.toBe(keeper.current()?.serial);
  stop.abort();
  server.close();
});

function isSeen(keeper: CertificateKeeper, serials: ReadonlySet<string> | undefined): boolean {
  return serials?.has(keeper.current()?.serial ?? "") === true;
}

function portOf(server: Server | undefined): number {
  const address: AddressInfo | string | null | undefined = server?.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
