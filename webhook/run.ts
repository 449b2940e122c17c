/** Puts the webhook together and runs it until it is told to stop. The real world comes in from main.ts. */
import { aborted } from "../program/aborted.ts";
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { CertificateKeeper, ServingPair } from "../certs/keeper.ts";
import type { World } from "../certs/ports.ts";
import { makeAccessReviews } from "../kube/access-reviews.ts";
import { makeNodeEvents } from "../kube/node-events.ts";
import { REFLECTION_TIMES } from "../kube/reflection.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import { NO_FACTS, type ClusterFacts } from "../prepull/facts.ts";
import { makeCertificateKeeper, serviceNames } from "./certificates.ts";
import type { Check } from "../program/check.ts";
import type { Config } from "./config.ts";
import { createDrain } from "./drain.ts";
import { createGuard } from "./guard.ts";
import { createLatch } from "./latch.ts";
import { createMetrics, type WebhookMetrics } from "./metrics.ts";
import { makeClusterFacts, type WatchedFacts } from "./prepull-facts.ts";
import { PREPULL_WEBHOOKS, prepullWebhooks } from "./prepull-webhooks.ts";
import { createProbeServer } from "../program/probes.ts";
import { createRefusalEvents, type RefusalEvents } from "./refusal-events.ts";
import { createSelfDial } from "./self-dial.ts";
import { createWebhookServer, type WebhookServer } from "./server.ts";
import { toolAnnotations, toolsByUser } from "../lock/tool.ts";

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

/** Resolves when the webhook has ended in order; rejects if a port is taken. */
export async function runWebhook(options: RunOptions): Promise<void> {
  const { config, kube, world, log, stop } = options;
  const metrics = createMetrics({
    version: options.version,
    webhooks: ["guard.nodelatch.io", "latch.nodelatch.io", ...PREPULL_WEBHOOKS],
  });
  const keeper = makeCertificateKeeper(config, kube, world, log);
  const events = makeRefusalEvents(options, metrics);

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
    server = createServer(options, metrics, events, pair, () => facts?.read() ?? NO_FACTS);
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
    await events?.idle();
  }
  ended.abort();
  await Promise.all([keeping, watching]);
  probes.close();
}

function createServer(
  { config, kube, world, log }: RunOptions,
  metrics: WebhookMetrics,
  events: RefusalEvents | undefined,
  pair: ServingPair,
  facts: () => ClusterFacts,
): WebhookServer {
  // The API server's clock, as far as known: it stamps everything else that people compare a lock with.
  const nowMillis = (): number => world.clock.wallMillis();
  const access = makeAccessReviews(kube);
  const tools = toolsByUser(config.tools);
  const guard = createGuard({
    settings: {
      mode: config.guardMode,
      onExpired: config.onExpired,
      exemptDeleters: new Set(config.exemptDeleters),
      agentUsername: config.agentUser,
      acceptNodeIdentity: config.acceptNodeIdentity,
      tools,
    },
    nowMillis,
    mayOverride: async (caller, nodeName, signal) => {
      const answer = await access.mayOverride(caller, nodeName, signal);
      if (answer.kind === "unknown")
        log.warn({ err: answer.cause, node: nodeName }, "override can't be checked");
      return answer;
    },
    onRefusedUncordon: (refused) => events?.note(refused),
    onOverride: (kind) => metrics.overrode(kind),
  });
  const limits = {
    defaultTtlMillis: config.defaultTtlMillis,
    minTtlMillis: config.minTtlMillis,
    maxTtlMillis: config.maxTtlMillis,
  };
  const latch = createLatch({ settings: { limits, tools }, nowMillis });
  return createWebhookServer({
    webhooks: {
      "/guard": { webhook: "guard.nodelatch.io", handle: guard },
      "/latch": { webhook: "latch.nodelatch.io", handle: latch },
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

const COUNTED_AS = {
  posted: "written",
  held: "held",
  failed: "failed",
  "rate-limited": "dropped",
  dropped: "dropped",
} as const;

function makeRefusalEvents(
  { config, kube, world, log, instance }: RunOptions,
  metrics: WebhookMetrics,
): RefusalEvents | undefined {
  if (config.events === "off") return undefined;
  const events = makeNodeEvents(kube, {
    component: "nodelatch-webhook",
    instance,
    wallMillis: () => world.clock.wallMillis(),
    monotonicMillis: () => world.clock.monotonicMillis(),
    randomSuffix: () => randomBytes(6).toString("hex"),
  });
  return createRefusalEvents({
    post: async (refused, signal) => {
      const message = `uncordon by ${refused.username} refused: ${refused.message}`;
      const { nodeName, nodeUID: nodeUid } = refused;
      const event = { nodeName, nodeUid, type: "Warning", reason: "UncordonRefused", message } as const;
      const outcome = await events.post(event, signal);
      return outcome === "created" || outcome === "counted" ? "posted" : "held";
    },
    nowMillis: () => world.clock.monotonicMillis(),
    perMinute: config.eventsPerMinute,
    onResult: (result, refused, cause) => {
      metrics.event(COUNTED_AS[result]);
      if (result === "failed") log.warn({ err: cause, node: refused.nodeName }, "post Event UncordonRefused");
    },
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
