/** The two webhook programs as local processes, with one certificate for both. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle, programs } from "../../scripts/bundle.ts";
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import { serviceNames } from "../../webhook/certificates.ts";
import { freePorts } from "../process/free-port.ts";
import type { Program } from "../process/program.ts";
import type { Running } from "../process/running.ts";
import { writeServingFiles } from "../servers/serving-files.ts";
import type { WebhookAddress } from "./registrations.ts";

export interface MeasuredWebhook {
  readonly address: WebhookAddress;
  readonly program: Program;
}

export interface Nodelatch extends MeasuredWebhook {
  /** Its /readyz, true once it is registered with its CA. */
  ready(): Promise<boolean>;
}

export interface WebhookPair {
  readonly nodelatch: Nodelatch;
  readonly go: MeasuredWebhook;
}

const HOST = "127.0.0.1";
const NAMES = serviceNames({ serviceName: "nodelatch-webhook", namespace: "nodelatch-system" });
const START_DEADLINE_MILLIS = 30_000;

/** @param kubeconfig with which ours reaches the API server, for its Events and to see its registrations. */
export async function startWebhooks(
  running: Running,
  goProgram: string,
  kubeconfig: string,
  signal: AbortSignal,
): Promise<WebhookPair> {
  const nodelatch = await startNodelatch(running, kubeconfig, signal);
  const [port = 0] = await freePorts(1);
  const { certificates, address } = nodelatch;
  const files = [`-cert=${join(certificates, "tls.crt")}`, `-key=${join(certificates, "tls.key")}`] as const;
  const go = await running.start("go-webhook", [goProgram, `-listen=${HOST}:${port}`, ...files]);
  return { nodelatch, go: { address: { ...address, url: `https://${HOST}:${port}` }, program: go } };
}

/** Ours alone; `certificates` is the folder of its pair. */
export async function startNodelatch(
  running: Running,
  kubeconfig: string,
  signal: AbortSignal,
): Promise<Nodelatch & { readonly certificates: string }> {
  const certificates = join(running.folder, "certificates");
  await mkdir(certificates);
  const caPem = await writeServingFiles(certificates, [...NAMES, "localhost", HOST]);
  await writeFile(join(certificates, "ca.crt"), caPem);
  const [port = 0, probePort = 0] = await freePorts(2);

  const root = fileURLToPath(new URL("../..", import.meta.url));
  const bundled = join(running.folder, "bundle");
  await bundle({ root, outDir: bundled, programs });
  // As the chart starts it, but for where certificates and credentials come from, and the address.
  const nodelatch = await running.start("nodelatch", [
    process.execPath,
    join(bundled, "webhook.mjs"),
    `--port=${port}`,
    `--probe-port=${probePort}`,
    `--bind-address=${HOST}`,
    "--cert-mode=files",
    `--cert-dir=${certificates}`,
    "--inject-ca=false",
    `--kubeconfig=${kubeconfig}`,
  ]);
  const alive = async () => {
    const answer = await fetch(`http://${HOST}:${probePort}/livez`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok
      ? ({ done: true, value: undefined } as const)
      : ({ done: false, seen: `${answer.status}` } as const);
  };
  await running.during(waitFor("the webhook", alive, { deadlineMillis: START_DEADLINE_MILLIS, signal }));
  return {
    certificates,
    address: { url: `https://${HOST}:${port}`, caPem },
    program: nodelatch,
    ready: async () => {
      const asked = AbortSignal.timeout(3_000);
      return (await fetch(`http://${HOST}:${probePort}/readyz`, { signal: asked })).ok;
    },
  };
}
