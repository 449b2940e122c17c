/** The two webhooks for ImagePrePullJobs, by path, as the settings want them. */
import type { ClusterFacts } from "../prepull/facts.ts";
import { isRuleName } from "../prepull/rule.ts";
import type { Config } from "./config.ts";
import { createPrepullDefaults } from "./prepull-defaults.ts";
import { createPrepull } from "./prepull.ts";
import type { Webhook } from "./review-route.ts";

export const PREPULL_WEBHOOKS = ["prepull.nodelatch.io", "prepull-defaults.nodelatch.io"] as const;

export function prepullWebhooks(
  config: Config,
  facts: () => ClusterFacts,
): Readonly<Record<string, Webhook>> {
  const [prepull, defaults] = PREPULL_WEBHOOKS;
  const settings = {
    mode: config.prepullMode,
    warnOnly: new Set(config.prepullWarnOnly.filter(isRuleName)),
    controllers: new Set(config.prepullControllers),
  };
  return {
    "/prepull": {
      webhook: prepull,
      about: "imageprepulljobs",
      handle: createPrepull({ settings, facts }),
    },
    "/prepull-defaults": {
      webhook: defaults,
      about: "imageprepulljobs",
      handle: createPrepullDefaults({ enabled: config.prepullDefaults }),
    },
  };
}
