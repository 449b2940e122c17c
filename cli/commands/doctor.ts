/** `kubectl nodelatch doctor`: is Nodelatch installed, reached, trusted and as the chart says? Changes nothing. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { isObject, textAt, textsAt, type JsonObject } from "../../kube/json.ts";
import type { Command } from "../command.ts";
import { EXPECTED } from "../doctor/expected.ts";
import * as facts from "../doctor/facts.ts";
import { finding, type Finding, type Level } from "../doctor/finding.ts";
import { judgeGhosts } from "../doctor/ghosts.ts";
import { judgeLocks, judgePods, judgeServer, judgeTrials } from "../doctor/judge.ts";
import type { Kured } from "../doctor/kured.ts";
import { judgeOwnPolicy, PROGRAMS, readOwnPolicy } from "../doctor/own-policies.ts";
import { judgeRegistration, registeredUsers } from "../doctor/registration.ts";
import { judgeRights, missingRights } from "../doctor/service-accounts.ts";
import { listKureds, webhookTools } from "../doctor/tool-facts.ts";
import { judgeTools } from "../doctor/tools.ts";
import { readWorkloads, type Workloads } from "../doctor/workload.ts";
import { EXIT } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { FORMATS, printDocument } from "../output/document.ts";
import { paint, type Color } from "../output/terminal.ts";

const NAMESPACE = "nodelatch-system";
const SECRET = "nodelatch-webhook-tls";

export const doctor: Command = {
  spec: {
    name: "doctor",
    summary: "find out what is wrong with Nodelatch in this cluster",
    details:
      "Looks at the API server, the webhook's registrations, certificates and pods, tries a lock and an uncordon\n" +
      "in dry runs, and says what you may do. It changes nothing; what it may not see, it skips.",
    positionals: { shown: "", least: 0, most: 0, complete: [] },
    options: [{ name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" }],
    examples: [
      [`${CALLED} doctor`, "look at everything"],
      [`${CALLED} doctor -n reboot-safety -o json`, "where it is installed elsewhere"],
    ],
  },
  async run(args, { cluster, terminal, signal, namespace = NAMESPACE, version, wallMillis }) {
    const { kube } = await cluster();
    // If this fails, there is no cluster to examine: the error says why.
    const server = await serverVersion(kube, signal);
    const findings = [
      judgeServer(server),
      ...(await examine(kube, { namespace, version, wallMillis, signal })),
    ];
    const isWrong = findings.some(({ level }) => level === "fail");
    const format = args.text("output");
    if (format !== undefined) {
      printDocument(format, "Diagnosis", { healthy: !isWrong, items: findings }, (text) =>
        terminal.out(text),
      );
    } else {
      printFindings(findings, terminal);
    }
    return isWrong ? EXIT.refused : EXIT.ok;
  },
};

const COLORS: Readonly<Record<Level, Color>> = {
  ok: "green",
  info: "dim",
  skip: "dim",
  warn: "yellow",
  fail: "red",
};

function printFindings(
  findings: readonly Finding[],
  terminal: Parameters<Command["run"]>[1]["terminal"],
): void {
  const widest = Math.max(...findings.map(({ check }) => check.length));
  for (const { level, check, text, remedy } of findings) {
    const mark = paint(level.padEnd(4), COLORS[level], terminal);
    terminal.out(`${mark}  ${check.padEnd(widest)}  ${text}`);
    if (remedy !== undefined) terminal.out(`${" ".repeat(widest + 8)}-> ${remedy}`);
  }
}

interface Examination {
  readonly namespace: string;
  readonly version: string;
  readonly wallMillis: () => number;
  readonly signal: AbortSignal;
}

async function examine(kube: KubeConnection, examination: Examination): Promise<readonly Finding[]> {
  const { namespace, version, wallMillis, signal } = examination;
  const clock = (): number => wallMillis() + kube.clockOffsetMillis();
  const states = await facts.look(signal, async () => facts.listNodes(kube, clock, signal));
  const known = states.kind === "known" ? states.value.map(({ view }) => view) : [];
  const nodes = states.kind === "known" ? { kind: "known" as const, value: known } : states;
  const pods = await facts.look(signal, async () => facts.listPods(kube, namespace, signal));
  const me = await facts.look(signal, async () => facts.whoAmI(kube, signal));
  const user = me.kind === "known" ? me.value : "";
  const lock = await facts.look(signal, async () => facts.tryLock(kube, known, signal));
  const uncordon = await facts.look(signal, async () => facts.tryUncordon(kube, known, user, signal));
  const registered = await registrations(kube, examination);
  const kureds = await listKureds(kube, signal);
  const workloads = await readWorkloads(kube, namespace, signal);
  return [
    ...registered.findings,
    ...tools(registered.configurations, workloads, kureds, namespace),
    ...judgePods(pods, { daemonSet: workloads.agent, nodes, kureds, namespace }, version),
    ...judgeRights(await missingRights(kube, namespace, workloads, signal)),
    ...(await ownPolicies(kube, examination)),
    ...judgeTrials(lock, uncordon),
    judgeLocks(nodes),
    ...judgeGhosts(states),
    await rights(kube, user, signal),
  ];
}

async function ownPolicies(
  kube: KubeConnection,
  { namespace, signal }: Examination,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const program of PROGRAMS) {
    findings.push(...judgeOwnPolicy(program, await readOwnPolicy(kube, namespace, program, signal)));
  }
  return findings;
}

interface Registered {
  readonly findings: readonly Finding[];
  /** By kind; those that may not be read or do not exist are left out. */
  readonly configurations: ReadonlyMap<string, JsonObject>;
}

async function registrations(
  kube: KubeConnection,
  { namespace, wallMillis, signal }: Examination,
): Promise<Registered> {
  const secret = await facts.look(signal, async () =>
    facts.readObject(kube, apiPath("api", "v1", "namespaces", namespace, "secrets", SECRET), signal),
  );
  const encoded = secret.kind === "known" ? textsAt(secret.value, "data").get("ca.crt") : undefined;
  const secretCa = encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
  const findings: Finding[] = [];
  const reads = new Map<string, facts.Fact<JsonObject | undefined>>();
  for (const expected of EXPECTED) {
    const path = apiPath("apis", "admissionregistration.k8s.io", "v1", expected.resource, "nodelatch");
    const read =
      reads.get(expected.kind) ??
      (await facts.look(signal, async () => facts.readObject(kube, path, signal)));
    reads.set(expected.kind, read);
    if (read.kind === "unknown") {
      findings.push(finding(read.isForbidden ? "skip" : "fail", expected.name.split(".")[0] ?? "", read.why));
      continue;
    }
    const nowMillis = wallMillis() + kube.clockOffsetMillis();
    findings.push(
      ...judgeRegistration({ configuration: read.value, expected, namespace, secretCa, nowMillis }),
    );
  }
  const known = [...reads].flatMap(([kind, read]) =>
    read.kind === "known" && read.value !== undefined ? [[kind, read.value] as const] : [],
  );
  return { findings, configurations: new Map(known) };
}

function tools(
  configurations: Registered["configurations"],
  workloads: Workloads,
  kureds: facts.Fact<readonly Kured[]>,
  namespace: string,
): readonly Finding[] {
  const usersOf = (kind: string, name: string): readonly string[] | undefined =>
    registeredUsers(configurations.get(kind), name);
  return judgeTools({
    guard: usersOf("ValidatingWebhookConfiguration", "guard.nodelatch.io"),
    latch: usersOf("MutatingWebhookConfiguration", "latch-tools.nodelatch.io"),
    webhook: webhookTools(workloads.webhook, namespace),
    kureds,
  });
}

async function rights(kube: KubeConnection, user: string, signal: AbortSignal): Promise<Finding> {
  const [may, mayNot]: [string[], string[]] = [[], []];
  for (const right of facts.RIGHTS) {
    const answer = await facts.look(signal, async () => facts.mayI(kube, right, signal));
    if (answer.kind === "unknown") return finding("skip", "rights", answer.why);
    (answer.value ? may : mayNot).push(right.for);
  }
  const text = `${user || "you"} may: ${may.join(", ") || "nothing"}`;
  return finding("info", "rights", mayNot.length === 0 ? text : `${text}; may not: ${mayNot.join(", ")}`);
}

async function serverVersion(
  kube: KubeConnection,
  signal: AbortSignal,
): Promise<{ major: string; minor: string; git: string }> {
  const answer = await kube.request({
    doing: "ask for the server's version",
    method: "GET",
    path: "/version",
    signal,
  });
  const version = isObject(answer) ? answer : {};
  return {
    major: textAt(version, "major") ?? "0",
    minor: textAt(version, "minor") ?? "0",
    git: textAt(version, "gitVersion") ?? "of an unknown version",
  };
}
