/** The checks of /readyz as docs/operations.md tells them, made by the code. */
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../bench/process/free-port.ts";
import { issueAuthority } from "../certs/authority.ts";
import type { Carry } from "../certs/carry.ts";
import { carryIn } from "../certs/carry.ts";
import { caBundleHealth, certificateHealth, type HealthCheck } from "../certs/health.ts";
import type { CaBundles } from "../certs/inject.ts";
import { issueLeaf } from "../certs/leaf.ts";
import { checkPair, type GoodPair } from "../certs/pair.ts";
import { makeWorld } from "../certs/world.ts";
import { KubeError } from "../kube/failure.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import { runChecks } from "../program/check.ts";
import { readConfig } from "../webhook/config.ts";
import { createDrain } from "../webhook/drain.ts";
import { runWebhook } from "../webhook/run.ts";
import { createSelfDial } from "../webhook/self-dial.ts";
import { codeIn, fencesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("operations.md", import.meta.url), "utf8");
const NOW = Date.UTC(2026, 10, 21);
const DAY = 86_400_000;
const TITLE = "ValidatingWebhookConfiguration nodelatch";
const silent = pino({ enabled: false });

const rows = tableWith(page, "check", "passes when", "fails with").rows;
const failures = new Map(rows.map(([check = "", , fails = ""]) => [codeIn(check)[0], codeIn(fails)]));

test("without the API server the webhook is alive, not ready, and says exactly what is shown", async () => {
  const [port = 0, probePort = 0] = await freePorts(2);
  const read = readConfig([`--port=${port}`, `--probe-port=${probePort}`, "--bind-address=127.0.0.1"], {});
  if (read.kind !== "run") throw new Error("bad settings");
  const stop = new AbortController();
  const running = runWebhook({
    config: read.config,
    kube: unreachable,
    world: makeWorld(() => 0),
    log: silent,
    version: "0.0.0-test",
    instance: "test",
    stop: stop.signal,
    hurry: stop.signal,
  });
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const url = `http://127.0.0.1:${probePort}`;
  await expect.poll(() => textOf(`${url}/livez?verbose`)).toBe("livez check passed\n");
  const shown = fencesIn(page).find(({ text }) => text.includes("ECONNREFUSED"))?.text;
  await expect.poll(() => textOf(`${url}/readyz`)).toBe(`${shown}\n`);
  // A failing report names every check: the table has these and no other.
  const names = [...(await textOf(`${url}/readyz`)).matchAll(/^\[.\](\S+)/gm)].map(([, name]) => name);
  expect([...failures.keys()]).toEqual(names);
  expect(failures.get("serving")).toContain("waiting for a certificate");
});

test("how `certificate` fails", () => {
  const pair = goodPair();
  const at = (millis: number): string => detailOf(certificateHealth(pair, undefined, clockAt(millis)));
  const masked = (text: string): string =>
    text.replace(pair.pair.serial, "SERIAL").replace(/\d{4}-\d\d-\d\dT\S+Z/, "TIME");
  expect([
    detailOf(certificateHealth(undefined, undefined, clockAt(NOW))),
    detailOf(certificateHealth(undefined, "WHY", clockAt(NOW))),
    masked(at(NOW + 2 * DAY)),
    masked(at(NOW - 2 * DAY)),
  ]).toEqual(failures.get("certificate"));
});

test("how `ca-bundle` fails", () => {
  const pair = goodPair();
  const clock = clockAt(NOW);
  const now = { wallMillis: NOW, monotonicMillis: 1_000 };
  const seen = (carry: Carry, absent: readonly string[] = []): string =>
    detailOf(caBundleHealth(pair, caBundles(carry, absent), clock));
  const entry = { kind: "read", atMillis: 0, entries: 1, carried: [] } as const;
  const carried: Carry = { kind: "carried", forMillis: 1_999, fromTheStart: false };
  expect([
    detailOf(caBundleHealth(undefined, caBundles(carried), clock)),
    seen(carried, [TITLE]),
    seen(carryIn({ kind: "unread" }, TITLE, pair.chain, now)),
    seen(carryIn(entry, TITLE, pair.chain, now)),
    seen(carried),
  ]).toEqual(failures.get("ca-bundle"));
  expect(caBundleHealth(pair, caBundles({ ...carried, forMillis: 2_000 }), clock).ok).toBe(true);
});

test("how `serving` and `shutdown` fail, and a check that hangs", async () => {
  const [port = 0] = await freePorts(1);
  const dial = createSelfDial({ host: "localhost", port, serverName: "x", ca: () => undefined });
  const refused = await dial.check(AbortSignal.timeout(2_000));
  expect(refused.detail?.replace(String(port), "9443").replace(/(9443: ).*/s, "$1WHY")).toBe(
    failures.get("serving")?.[1],
  );
  const server = {
    sendAway: () => {},
    stopAccepting: () => {},
    whenIdle: () => Promise.resolve(true),
    cut: () => Promise.resolve(0),
  };
  const drain = createDrain({ server, log: silent, drainMillis: 1, graceMillis: 1 });
  await drain.start();
  expect(await drain.readiness.check(AbortSignal.timeout(1_000))).toEqual({
    ok: false,
    detail: failures.get("shutdown")?.[0],
  });
  const hanging = { name: "x", check: () => new Promise<never>(() => {}) };
  const report = await runChecks("readyz", [hanging], new Set(), 20);
  expect(report.text).toContain("no answer within 20 ms");
  expect(page).toContain("`no answer within 2000 ms`");
});

const unreachable: WatchingConnection = {
  server: "https://10.96.0.1",
  namespace: undefined,
  request({ doing }) {
    const sentence = "connect ECONNREFUSED 10.96.0.1:443";
    return Promise.reject(new KubeError(doing, { kind: "network", sentence }));
  },
  async *watch({ doing }) {
    yield* [];
    await Promise.resolve();
    throw new KubeError(doing, { kind: "network", sentence: "connect ECONNREFUSED 10.96.0.1:443" });
  },
  clockOffsetMillis: () => 0,
  close: () => Promise.resolve(),
};

function caBundles(carry: Carry, absent: readonly string[] = []): CaBundles {
  return {
    pass: () => Promise.resolve(),
    carryOf: () => carry,
    absent: () => absent,
    problems: () => [],
  };
}

function goodPair(): GoodPair {
  const authority = issueAuthority(NOW, DAY);
  const { certPem, keyPem } = issueLeaf(authority, ["x"], NOW, DAY);
  const check = checkPair({ certPem, keyPem, caPem: authority.certPem }, ["x"], NOW);
  if (check.kind !== "good") throw new Error("the pair is bad");
  return check;
}

function clockAt(wallMillis: number) {
  return { wallMillis: () => wallMillis, monotonicMillis: () => 0 };
}

function detailOf({ ok, detail }: HealthCheck): string {
  expect(ok).toBe(false);
  return detail;
}

async function textOf(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text();
  } catch {
    return "";
  }
}
