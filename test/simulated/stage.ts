/**
 * A cluster for one's lap: the embedded API server with the chart's registrations, and the real webhook as a process
 * of its own that finds it by kubeconfig, issues its certificate and registers its CA there, as it does in a cluster.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../bench/process/free-port.ts";
import { createApiClient, type ApiClient } from "../scenarios/api-client.ts";
import { readKubeconfig } from "../scenarios/kubeconfig.ts";
import type { AccessAttributes, AllowTable } from "./access/authorizer.ts";
import { MASTERS, type UserInfo } from "./access/user.ts";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { writeToolList } from "../../lock/tool-list.ts";
import { chartTools, type ToolEntry } from "./chart-tools.ts";
import { registrations } from "./registrations.ts";

const NAMESPACE = "nodelatch-system";
const SERVICE = "nodelatch-webhook";
const WEBHOOK_USER = `system:serviceaccount:${NAMESPACE}:${SERVICE}`;
const MAIN = fileURLToPath(new URL("../../webhook/main.ts", import.meta.url));

export interface StageUser {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface StageOptions {
  /** Besides `admin`, who is in system:masters. */
  readonly users?: readonly StageUser[];
  /** What users may do besides what they may anyway. */
  readonly mayAlso?: AllowTable;
  /** The chart's value `tools`; its default where left out. */
  readonly tools?: readonly ToolEntry[];
  /** More flags for the webhook. */
  readonly webhookFlags?: readonly string[];
  /** Each line that the webhook logs. */
  readonly onLog?: (line: string) => void;
}

export interface Stage {
  readonly api: ApiServer;
  /** As `admin`. */
  readonly client: ApiClient;
  /** http://127.0.0.1:PORT of the webhook's probes and metrics. */
  readonly probeUrl: string;
  /** A kubeconfig file of a user; gone when the stage closes. */
  readonly kubeconfigFile: (username: string) => Promise<string>;
  readonly webhook: ChildProcess;
  readonly close: () => Promise<void>;
}

/** Resolves once the webhook says that it is ready. @throws Error with its last log lines if it does not. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-"));
  const [port = 0, probePort = 0] = await freePorts(2);
  const api = await startApiServer({
    users: [
      { username: "admin", groups: [MASTERS] },
      { username: WEBHOOK_USER, groups: [], token: "webhook-token" },
      ...(options.users ?? []),
    ],
    allow: (user, asked) => isAllowed(user, asked) || options.mayAlso?.(user, asked) === true,
    namespaces: [NAMESPACE],
    resolveService: (namespace, name) =>
      namespace === NAMESPACE && name === SERVICE ? { host: "127.0.0.1", port } : undefined,
  });
  const kubeconfigFile = async (username: string): Promise<string> => {
    const file = join(folder, `${username.replaceAll(":", "_")}.kubeconfig`);
    await writeFile(file, api.kubeconfig(username), { mode: 0o600 });
    return file;
  };
  const client = createApiClient(await readKubeconfig(await kubeconfigFile("admin")));
  const tools = await chartTools(options.tools);
  for (const body of await registrations(NAMESPACE, SERVICE, tools)) {
    const path = `/apis/admissionregistration.k8s.io/v1/${body.kind.toLowerCase()}s`;
    const answer = await client.send({ method: "POST", path, body });
    if (answer.status !== 201) throw new Error(`register ${body.kind}: ${JSON.stringify(answer.body)}`);
  }

  const lines: string[] = [];
  const flags = [
    `--kubeconfig=${await kubeconfigFile(WEBHOOK_USER)}`,
    `--namespace=${NAMESPACE}`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    `--probe-port=${probePort}`,
    `--tools=${writeToolList(tools)}`,
    ...(options.webhookFlags ?? []),
  ];
  const webhook = spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", "pipe", "pipe"], env: {} });
  for (const stream of [webhook.stdout, webhook.stderr]) {
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      if (lines.length > 50) lines.shift();
      options.onLog?.(line);
    });
  }
  const close = async (): Promise<void> => {
    client.close();
    if (webhook.exitCode === null && webhook.signalCode === null) {
      const gone = once(webhook, "exit");
      webhook.kill("SIGKILL");
      await gone;
    }
    await api.close();
    await rm(folder, { recursive: true, force: true });
  };
  const probeUrl = `http://127.0.0.1:${probePort}`;
  try {
    await untilReady(`${probeUrl}/readyz?verbose`, webhook, 90_000);
  } catch (cause) {
    await close();
    throw new Error(`start the webhook; its last words:\n${lines.join("\n")}`, { cause });
  }
  return { api, client, probeUrl, kubeconfigFile, webhook, close };
}

async function untilReady(url: string, webhook: ChildProcess, deadlineMillis: number): Promise<void> {
  const end = performance.now() + deadlineMillis;
  let seen = "nothing";
  while (performance.now() < end) {
    if (webhook.exitCode !== null) throw new Error(`the webhook ended with ${webhook.exitCode}`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      seen = await answer.text();
      if (answer.ok) return;
    } catch (cause) {
      seen = String(cause);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the webhook is not ready after ${deadlineMillis} ms: ${seen}`);
}

/** The chart's RBAC for the webhook, the Node authorizer's for kubelets, and the scenarios' groups. */
function isAllowed(user: UserInfo, asked: AccessAttributes): boolean {
  if (user.username === WEBHOOK_USER) return mayWebhook(asked);
  const isNode = asked.group === "" && asked.resource === "nodes";
  if (user.groups.includes("node-writers") && isNode) return true;
  if (user.groups.includes("node-writers") && asked.resource === "events" && asked.verb !== "create")
    return true;
  if (user.groups.includes("lock-breakers") && asked.verb === "override") {
    return asked.group === "nodelatch.io" && asked.resource === "rebootlocks";
  }
  const isKubelet = user.groups.includes("system:nodes") && user.username === `system:node:${asked.name}`;
  return isKubelet && isNode && ["get", "update", "patch"].includes(asked.verb);
}

function mayWebhook({ verb, group, resource, name, namespace }: AccessAttributes): boolean {
  switch (`${group}/${resource}`) {
    case "/secrets":
      return (
        namespace === NAMESPACE && (verb === "create" || (["get", "patch"].includes(verb) && name !== ""))
      );
    case "/nodes":
      return verb === "patch";
    case "/events":
      return namespace === "default" && ["create", "patch"].includes(verb);
    case "admissionregistration.k8s.io/validatingwebhookconfigurations":
    case "admissionregistration.k8s.io/mutatingwebhookconfigurations":
      return name === "nodelatch" && ["get", "patch"].includes(verb);
    case "authorization.k8s.io/subjectaccessreviews":
      return verb === "create";
    default:
      return false;
  }
}
