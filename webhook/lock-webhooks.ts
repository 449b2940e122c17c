/** The two webhooks of nodes, put together from the settings. */
import type { Logger } from "pino";
import { makeAccessReviews } from "../kube/access-reviews.ts";
import type { KubeConnection } from "../kube/call.ts";
import type { GuardSettings } from "../lock/decide.ts";
import { toolsByUser } from "../lock/tool.ts";
import type { Config } from "./config.ts";
import { createGuard } from "./guard.ts";
import { createLatch } from "./latch.ts";
import type { WebhookMetrics } from "./metrics.ts";
import type { RefusalWrites } from "./refusal-writes.ts";
import type { NodeReviewHandler } from "./review.ts";

export interface LockWebhooksPorts {
  readonly kube: KubeConnection;
  /** The API server's clock, as far as known: it stamps everything else that people compare a lock with. */
  readonly nowMillis: () => number;
  readonly metrics: WebhookMetrics;
  readonly writes: RefusalWrites;
  readonly log: Logger;
}

type LockWebhook<N extends string> = { readonly webhook: N; readonly handle: NodeReviewHandler };

export function lockWebhooks(
  config: Config,
  { kube, nowMillis, metrics, writes, log }: LockWebhooksPorts,
): {
  readonly "/guard": LockWebhook<"guard.nodelatch.io">;
  readonly "/latch": LockWebhook<"latch.nodelatch.io">;
} {
  const access = makeAccessReviews(kube);
  const tools = toolsByUser(config.tools);
  const settings: GuardSettings = {
    mode: config.guardMode,
    onExpired: config.onExpired,
    exemptDeleters: new Set(config.exemptDeleters),
    agentUsername: config.agentUser,
    webhookUsername: config.webhookUser,
    acceptNodeIdentity: config.acceptNodeIdentity,
    tools,
  };
  const guard = createGuard({
    settings,
    nowMillis,
    mayOverride: async (caller, node, signal) => {
      const answer = await access.mayOverride(caller, node, signal);
      if (answer.kind === "unknown") log.warn({ err: answer.cause, node }, "override can't be checked");
      return answer;
    },
    onRefusedUncordon: writes.event,
    onRequestedUncordon: writes.keep,
    onOverride: (kind) => metrics.overrode(kind),
  });
  const latch = createLatch({
    settings: {
      limits: {
        defaultTtlMillis: config.defaultTtlMillis,
        minTtlMillis: config.minTtlMillis,
        maxTtlMillis: config.maxTtlMillis,
      },
      tools,
      keepAutoscalersAway: config.autoscalers === "keep-away",
      carryOutUncordons: carriesOut(config),
    },
    guard: settings,
    nowMillis,
    mayUncordon: async (user, node, signal) => {
      const answer = await access.mayWriteNode(user, node, signal);
      if (answer.kind === "unknown") log.warn({ err: answer.cause, node }, "kept uncordon can't be checked");
      return answer.kind;
    },
    onAftermath: (aftermath) => metrics.requestedUncordon(aftermath),
  });
  return {
    "/guard": { webhook: "guard.nodelatch.io", handle: guard },
    "/latch": { webhook: "latch.nodelatch.io", handle: latch },
  };
}

/** Unless the guard enforces, nothing is refused, and nobody guards what is kept on a node. */
export function carriesOut(config: Pick<Config, "carryOutUncordons" | "guardMode">): boolean {
  return config.carryOutUncordons && config.guardMode === "enforce";
}
