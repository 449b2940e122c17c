/** Puts the webhook together and runs it until it is told to stop. The real world comes in from main.ts. */
import { aborted } from "../program/aborted.ts";
import type { Logger } from "pino";
import type { CertificateKeeper, ServingPair } from "../certs/keeper.ts";
import type { World } from "../certs/ports.ts";
import { REFLECTION_TIMES } from "../kube/reflection.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import { NO_FACTS, type ClusterFacts } from "../prepull/facts.ts";
import { makeCertificateKeeper, serviceNames } from "./certificates.ts";
import type { Check } from "../program/check.ts";
import type { Config } from "./config.ts";
import { createDrain } from "./drain.ts";
import { lockWebhooks } from "./lock-webhooks.ts";
import { createMetrics, type WebhookMetrics } from "./metrics.ts";
import { makeClusterFacts, type WatchedFacts } from "./prepull-facts.ts";
import { PREPULL_WEBHOOKS, prepullWebhooks } from "./prepull-webhooks.ts";
import { createProbeServer } from "../program/probes.ts";
import { makeRefusalWrites, type RefusalWrites } from "./refusal-writes.ts";
import { createSelfDial } from "./self-dial.ts";
import { createWebhookServer, type WebhookServer } from "./server.ts";
import { toolAnnotations } from "../lock/tool.ts";

export interface RunOptions {
  readonly config: Config;
  readonly kube: WatchingConnection;
  readonly world: World;
  readonly log: Logger;
  readonly version: string;
  /** The replica's name, for Events. */
  readonly instance: string;
  /** Begins the orderly end. */
  readonly stop: AbortSignal;
  /** Cuts the orderly end short. */
  readonly hurry: AbortSignal;
}

/** For what is still to be written about refused uncordons, once all requests are answered. */
const LAST_WRITES_MILLIS = 5_000;

/** Resolves when the webhook has ended in order; rejects if a port is taken. */
export async function runWebhook(options: RunOptions): Promise<void> {
  const { config, kube, world, log, stop } = options;
  const metrics = createMetrics({
    version: options.version,
    webhooks: ["guard.nodelatch.io", "latch.nodelatch.io", ...PREPULL_WEBHOOKS],
  });
  const keeper = makeCertificateKeeper(config, kube, world, log);
  const { instance } = options;
  const writes = makeRefusalWrites(config, { kube, clock: world.clock, metrics, log, instance });

  // Certificates outlive the stop signal: while draining, the webhook still serves.
  const ended = new AbortController();
  const keeping = keeper.run(ended.signal);
  const facts = makeFacts(options);
  const watching = facts?.run(ended.signal);

  let server: WebhookServer | undefined;
  const checks: Check[] = keeper.health().map(({ name }) => healthCheck(keeper, name));
  let serving: Check = { name: "serving", check: () => ({ ok: false, detail: "waiting for a certificate" }) };
  let shutdown: Check = { name: "shutdown", check: () => ({ ok: true, detail: "serving" }) };
  const ready: Check[] = [
    { name: "shutdown", check: (signal) => shutdown.check(signal) },
    ...checks,
    { name: "serving", check: (signal) => serving.check(signal) },
  ];
  const probes = createProbeServer({ live: [], ready, registry: metrics.registry, log });
  await probes.listen(config.probePort, hostOf(config));

  const pair = await firstPair(keeper, stop);
  if (pair !== undefined) {
    server = createServer(options, metrics, writes, pair, () => facts?.read() ?? NO_FACTS);
    const { port } = await server.listen(config.port, hostOf(config));
    log.info({ port, probePort: config.probePort, names: serviceNames(config) }, "serving");
    keepSwapping(keeper, server, pair, log);
    serving = makeSelfDial(config, keeper, port);
    const drain = createDrain({
      server,
      log,
      drainMillis: config.drainMillis,
      graceMillis: config.shutdownGraceMillis,
    });
    shutdown = drain.readiness;
    await aborted(stop);
    await drain.start(options.hurry);
    const late = AbortSignal.any([options.hurry, AbortSignal.timeout(LAST_WRITES_MILLIS)]);
    await Promise.race([writes.idle(), aborted(late)]);
  }
  ended.abort();
  await Promise.all([keeping, watching]);
  probes.close();
}

function createServer(
  { config, kube, world, log }: RunOptions,
  metrics: WebhookMetrics,
  writes: RefusalWrites,
  pair: ServingPair,
  facts: () => ClusterFacts,
): WebhookServer {
  const nowMillis = (): number => world.clock.wallMillis();
  return createWebhookServer({
    webhooks: {
      ...lockWebhooks(config, { kube, nowMillis, metrics, writes, log }),
      ...prepullWebhooks(config, facts),
    },
    pair: { certificate: pair.certPem, key: pair.keyPem },
    log,
    metrics,
    limits: { maxInFlight: config.maxInFlight, requestDeadlineMillis: config.requestDeadlineMillis },
    watched: toolAnnotations(config.tools),
  });
}

/** Undefined where no job is judged: then nothing is watched. */
function makeFacts({ config, kube, world, log }: RunOptions): WatchedFacts | undefined {
  if (config.prepullMode === "off") return undefined;
  return makeClusterFacts(kube, {
    namespace: config.prepullNamespace,
    secretNamespaces: config.prepullSecretNamespaces,
    times: REFLECTION_TIMES,
    absentMillis: 60_000,
    monotonicMillis: () => world.clock.monotonicMillis(),
    random: Math.random,
    log,
  });
}

function keepSwapping(
  keeper: CertificateKeeper,
  server: WebhookServer,
  first: ServingPair,
  log: Logger,
): void {
  keeper.subscribe((pair) => {
    if (pair.serial === first.serial && pair.certPem === first.certPem) return;
    const swapped = server.swapCertificate({ certificate: pair.certPem, key: pair.keyPem });
    if (swapped.ok) log.info({ serial: pair.serial }, "serving certificate changed");
    else log.error({ serial: pair.serial, problem: swapped.problem }, "serving certificate refused");
  });
}

/** Undefined if the signal came first. */
function firstPair(keeper: CertificateKeeper, stop: AbortSignal): Promise<ServingPair | undefined> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(undefined);
    stop.addEventListener("abort", () => resolve(undefined), { once: true });
    keeper.subscribe(resolve);
  });
}

function healthCheck(keeper: CertificateKeeper, name: string): Check {
  return {
    name,
    check: () =>
      keeper.health().find((check) => check.name === name) ?? { ok: false, detail: "no such check" },
  };
}

function makeSelfDial(config: Config, keeper: CertificateKeeper, port: number): Check {
  const [serverName] = serviceNames(config);
  const host =
    config.bindAddress === "::" || config.bindAddress === "0.0.0.0" ? "localhost" : config.bindAddress;
  return createSelfDial({ host, port, serverName, ca: () => keeper.current()?.caPem || undefined });
}

/** Unset for "::": then Node falls back to IPv4 by itself where the kernel has no IPv6. */
function hostOf(config: Config): string | undefined {
  return config.bindAddress === "::" ? undefined : config.bindAddress;
}
