/** What the webhook writes about a refused uncordon, after the answer: an Event, and the request for when the lock goes. */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../certs/ports.ts";
import type { KubeConnection } from "../kube/call.ts";
import { makeNodeEvents } from "../kube/node-events.ts";
import { keepUncordon } from "../kube/requested-uncordons.ts";
import type { Config } from "./config.ts";
import type { RefusedUncordon } from "./guard.ts";
import { carriesOut } from "./lock-webhooks.ts";
import type { WebhookMetrics } from "./metrics.ts";
import { createRefusalEvents, type RefusalEvents } from "./refusal-events.ts";
import {
  createRequestedUncordons,
  type RefusedRequest,
  type RequestedUncordons,
} from "./requested-uncordons.ts";

/** The first two return at once. */
export interface RefusalWrites {
  readonly event: (refused: RefusedUncordon) => void;
  readonly keep: (refused: RefusedRequest) => void;
  /** Resolves once nothing is under way. */
  readonly idle: () => Promise<void>;
}

export interface RefusalWritesPorts {
  readonly kube: KubeConnection;
  readonly clock: Clock;
  readonly metrics: WebhookMetrics;
  readonly log: Logger;
  /** The replica's name, for Events. */
  readonly instance: string;
}

/** Each only where the settings want it. */
export function makeRefusalWrites(config: Config, ports: RefusalWritesPorts): RefusalWrites {
  const events = config.events === "off" ? undefined : makeEvents(config, ports);
  const requests = carriesOut(config) ? makeRequests(ports) : undefined;
  return {
    event: (refused) => events?.note(refused),
    keep: (refused) => requests?.note(refused),
    async idle() {
      await Promise.all([events?.idle(), requests?.idle()]);
    },
  };
}

const EVENTS_COUNTED_AS = {
  posted: "written",
  held: "held",
  failed: "failed",
  "rate-limited": "dropped",
  dropped: "dropped",
} as const;

function makeEvents(
  config: Config,
  { kube, clock, metrics, log, instance }: RefusalWritesPorts,
): RefusalEvents {
  const events = makeNodeEvents(kube, {
    component: "nodelatch-webhook",
    instance,
    wallMillis: () => clock.wallMillis(),
    monotonicMillis: () => clock.monotonicMillis(),
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
    nowMillis: () => clock.monotonicMillis(),
    perMinute: config.eventsPerMinute,
    onResult: (result, refused, cause) => {
      metrics.event(EVENTS_COUNTED_AS[result]);
      if (result === "failed") log.warn({ err: cause, node: refused.nodeName }, "post Event UncordonRefused");
    },
  });
}

function makeRequests({ kube, clock, metrics, log }: RefusalWritesPorts): RequestedUncordons {
  return createRequestedUncordons({
    keep: (wanted, signal) => keepUncordon(kube, wanted, signal),
    wallMillis: () => clock.wallMillis(),
    monotonicMillis: () => clock.monotonicMillis(),
    onResult: (result, refused, cause) => {
      metrics.requestedUncordon(result === "limited" ? "dropped" : result);
      if (result === "failed") log.warn({ err: cause, node: refused.nodeName }, "keep a refused uncordon");
    },
  });
}
