// The real edge and the real guard, with log and metrics, without certificates' upkeep and probes: what is measured.
import { pino } from "pino";
import { createGuard } from "../../webhook/guard.ts";
import { createMetrics } from "../../webhook/metrics.ts";
import { createRefusalEvents } from "../../webhook/refusal-events.ts";
import { createWebhookServer } from "../../webhook/server.ts";
import { announce, serverArguments } from "./serve.ts";
import { NO_TOOLS } from "../../lock/tool.ts";

const { host, pair } = serverArguments();
const webhook = "guard.nodelatch.io";
const metrics = createMetrics({ version: "bench", webhooks: [webhook] });
const events = createRefusalEvents({
  post: () => Promise.resolve("posted"),
  nowMillis: Date.now,
  onResult: (result) => metrics.event(result === "posted" ? "written" : "dropped"),
  perMinute: 30,
});
const guard = createGuard({
  settings: {
    mode: "enforce",
    onExpired: "allow",
    exemptDeleters: new Set(["system:serviceaccount:kube-system:node-controller"]),
    agentUsername: "system:serviceaccount:nodelatch-system:nodelatch-agent",
    webhookUsername: "system:serviceaccount:nodelatch-system:nodelatch-webhook",
    acceptNodeIdentity: false,
    tools: NO_TOOLS,
  },
  nowMillis: Date.now,
  mayOverride: () => Promise.resolve({ kind: "denied", reason: "nobody may in a bench" }),
  onRefusedUncordon: events.note,
  onRequestedUncordon: () => undefined,
  onOverride: (answer) => metrics.overrode(answer),
});
const server = createWebhookServer({
  webhooks: { "/guard": { webhook, handle: guard } },
  pair,
  log: pino(),
  metrics,
});
announce((await server.listen(0, host)).port);
