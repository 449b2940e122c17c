/** The chart's webhook registrations as objects to POST: the very rules and CEL that a cluster gets. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { Tool } from "../../lock/tool.ts";
import { chartTools, withTools } from "./chart-tools.ts";

const FOLDER = new URL("../../charts/nodelatch/registrations/", import.meta.url);

export interface Registration {
  readonly apiVersion: string;
  readonly kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";
  readonly metadata: { readonly name: string };
  readonly webhooks: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Both configurations, without caBundle: the webhook puts it in.
 * @param tools the chart's default where left out.
 */
export async function registrations(
  namespace: string,
  service: string,
  tools?: readonly Tool[],
): Promise<readonly Registration[]> {
  const known = tools ?? (await chartTools());
  const entry = async (
    file: string,
    path: string,
    failurePolicy: string,
  ): Promise<Record<string, unknown>> => ({
    ...entryFields(parse(withTools(await readFile(new URL(file, FOLDER), "utf8"), known)), file),
    failurePolicy,
    timeoutSeconds: 3,
    clientConfig: { service: { namespace, name: service, port: 443, path } },
  });
  const common = { apiVersion: "admissionregistration.k8s.io/v1", metadata: { name: "nodelatch" } };
  return [
    {
      ...common,
      kind: "ValidatingWebhookConfiguration",
      webhooks: [
        await entry("guard.yaml", "/guard", "Fail"),
        await entry("prepull.yaml", "/prepull", "Fail"),
      ],
    },
    {
      ...common,
      kind: "MutatingWebhookConfiguration",
      webhooks: [
        await entry("latch.yaml", "/latch", "Ignore"),
        ...(known.length === 0 ? [] : [await entry("latch-tools.yaml", "/latch", "Fail")]),
      ],
    },
  ];
}

function entryFields(parsed: unknown, file: string): Record<string, unknown> {
  if (typeof parsed !== "object" || parsed === null) throw new Error(`${file}: expected a mapping`);
  return { ...parsed };
}
