/** The certificate keeper that the settings ask for. */
import type { Logger } from "pino";
import { makePairDirectory } from "../certs/directory.ts";
import { DEFAULT_FILE_SETTINGS, makeFileKeeper } from "../certs/files.ts";
import { DEFAULT_KEEP_SETTINGS, makeSecretKeeper } from "../certs/keep.ts";
import type { CertificateKeeper } from "../certs/keeper.ts";
import type { World } from "../certs/ports.ts";
import type { KubeConnection } from "../kube/call.ts";
import { makeSecretStore } from "../kube/secrets.ts";
import { makeWebhookConfiguration, type WebhookConfigurationKind } from "../kube/webhook-configurations.ts";
import type { Config } from "./config.ts";

/** The name by which API servers call a Service comes first. */
export function serviceNames(
  config: Pick<Config, "serviceName" | "namespace">,
): readonly [string, ...string[]] {
  const short = `${config.serviceName}.${config.namespace}.svc`;
  return [short, `${short}.cluster.local`];
}

export function makeCertificateKeeper(
  config: Config,
  kube: KubeConnection,
  world: World,
  log: Logger,
): CertificateKeeper {
  const watched = (kind: WebhookConfigurationKind, name: string, required: boolean) => ({
    configuration: makeWebhookConfiguration(kube, kind, name),
    required,
  });
  const common = {
    configurations: [
      // The chart leaves a registration out in mode off.
      watched(
        "ValidatingWebhookConfiguration",
        config.validatingConfiguration,
        config.guardMode !== "off" || config.prepullMode !== "off",
      ),
      watched("MutatingWebhookConfiguration", config.mutatingConfiguration, true),
    ],
    world,
    log,
  };
  const names = serviceNames(config);
  if (config.certMode === "files") {
    const directory = makePairDirectory(config.certDir);
    const caBundle = config.injectCa ? "inject" : "observe";
    // A pair that others made need only have the name that API servers ask for.
    return makeFileKeeper({
      ...common,
      names: names.slice(0, 1),
      directory,
      caBundle,
      settings: DEFAULT_FILE_SETTINGS,
    });
  }
  const { certCaLifeMillis: caLifeMillis, certLeafLifeMillis: leafLifeMillis } = config;
  return makeSecretKeeper({
    ...common,
    names,
    store: makeSecretStore(kube, { namespace: config.namespace, name: config.certSecret }),
    settings: { ...DEFAULT_KEEP_SETTINGS, caLifeMillis, leafLifeMillis },
  });
}
