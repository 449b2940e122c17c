/** The caBundles of one webhook configuration: the only thing in it that we ever write. */
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf, KubeError } from "./failure.ts";
import { isObject, objectAt, textAt, textsAt, type JsonObject } from "./json.ts";

export type WebhookConfigurationKind = "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";

export interface WebhookEntry {
  /** e.g. `guard.nodelatch.io`. */
  readonly name: string;
  /** Decoded PEM text, "" if there is none. */
  readonly caBundle: string;
}

export interface WebhookConfigurationSnapshot {
  readonly resourceVersion: string;
  readonly annotations: ReadonlyMap<string, string>;
  /** In the object's own order, which `setCaBundles` relies on. */
  readonly entries: readonly WebhookEntry[];
}

/** Port for one webhook configuration. Everything that is not a normal answer is thrown as a KubeError. */
export interface WebhookConfiguration {
  /** `kind name`, for messages. */
  readonly title: string;
  /** undefined if there is none; before the chart made it, that is normal. */
  read(signal: AbortSignal): Promise<WebhookConfigurationSnapshot | undefined>;
  /** Sets the same caBundle in every entry if the object is still as it was read; else nothing is changed. */
  setCaBundles(
    snapshot: WebhookConfigurationSnapshot,
    caBundlePem: string,
    signal: AbortSignal,
  ): Promise<"set" | "conflict" | "absent">;
}

const resources = {
  ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
  MutatingWebhookConfiguration: "mutatingwebhookconfigurations",
} as const;

/** The real one. RBAC: `get`, `patch` on that object by name. */
export function makeWebhookConfiguration(
  kube: KubeConnection,
  kind: WebhookConfigurationKind,
  name: string,
): WebhookConfiguration {
  const title = `${kind} ${name}`;
  const path = apiPath("apis", "admissionregistration.k8s.io", "v1", resources[kind], name);

  async function read(signal: AbortSignal): Promise<WebhookConfigurationSnapshot | undefined> {
    const doing = `read ${title}`;
    try {
      return parse(await kube.request({ doing, method: "GET", path, signal }), kind, doing);
    } catch (thrown) {
      if (failureOf(thrown).kind === "not-found") return undefined;
      throw thrown;
    }
  }

  return {
    title,
    read,
    async setCaBundles(snapshot, caBundlePem, signal) {
      const value = Buffer.from(caBundlePem, "utf8").toString("base64");
      // A patch of single fields, never the whole object: newer API servers may know fields that we do not.
      const body = [
        { op: "test", path: "/metadata/resourceVersion", value: snapshot.resourceVersion },
        ...snapshot.entries.map((_entry, index) => ({
          op: "add",
          path: `/webhooks/${index}/clientConfig/caBundle`,
          value,
        })),
      ];
      try {
        await kube.request({
          doing: `set the caBundles of ${title}`,
          method: "PATCH",
          path,
          body,
          contentType: "application/json-patch+json",
          signal,
        });
        return "set";
      } catch (thrown) {
        const { kind: failure } = failureOf(thrown);
        if (failure === "not-found") return "absent";
        if (failure === "conflict") return "conflict";
        if (failure !== "rejected") throw thrown;
        // A failed `test` is answered with 422 like any patch that can't be applied; only a look tells them apart.
        const now = await read(signal);
        if (now === undefined) return "absent";
        if (now.resourceVersion !== snapshot.resourceVersion) return "conflict";
        throw thrown;
      }
    },
  };
}

function parse(json: unknown, kind: WebhookConfigurationKind, doing: string): WebhookConfigurationSnapshot {
  const metadata = objectAt(json, "metadata");
  const resourceVersion = textAt(metadata, "resourceVersion");
  if (!isObject(json) || textAt(json, "kind") !== kind || resourceVersion === undefined) {
    throw new KubeError(doing, { kind: "garbage", sentence: `the answer is no ${kind}` });
  }
  return { resourceVersion, annotations: textsAt(metadata, "annotations"), entries: entriesOf(json) };
}

function entriesOf(configuration: JsonObject): readonly WebhookEntry[] {
  const webhooks = configuration["webhooks"];
  if (!Array.isArray(webhooks)) return [];
  return webhooks.map((webhook: unknown) => ({
    name: textAt(webhook, "name") ?? "",
    caBundle: Buffer.from(textAt(objectAt(webhook, "clientConfig"), "caBundle") ?? "", "base64").toString(
      "utf8",
    ),
  }));
}
