import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { chartTools } from "../../test/simulated/chart-tools.ts";
import { registrations } from "../../test/simulated/registrations.ts";
import { kuredIn, type Kured } from "./kured.ts";
import { registeredUsers } from "./registration.ts";
import { gateOption, judgeTools, type ToolFacts } from "./tools.ts";

const KURED = "system:serviceaccount:kube-system:kured";
const GATE = `/bin/sh -c '/bin/sh /run/nodelatch/verify --wait 2m --holder ${KURED} && /bin/systemctl reboot'`;

function daemonSet(
  part: { args?: readonly string[]; env?: object[]; image?: string; account?: string } = {},
) {
  const { args = [`--reboot-command=${GATE}`], env, image = "ghcr.io/kubereboot/kured:1.23.0" } = part;
  const container = { name: "kured", image, command: ["/usr/bin/kured"], args, ...(env ? { env } : {}) };
  const spec = { serviceAccountName: part.account ?? "kured", containers: [container] };
  return { metadata: { namespace: "kube-system", name: "kured" }, spec: { template: { spec } } };
}

function kured(part: Parameters<typeof daemonSet>[0] = {}): Kured {
  const found = kuredIn(daemonSet(part));
  if (found === undefined) throw new Error("no kured");
  return found;
}

function judge(part: Partial<ToolFacts> & { with?: Kured } = {}) {
  const { with: one = kured(), ...facts } = part;
  return judgeTools({
    guard: [KURED],
    latch: [KURED],
    webhook: { kind: "known", value: [KURED] },
    kureds: { kind: "known", value: [one] },
    ...facts,
  });
}
const warnings = (one: Kured): readonly string[] =>
  judge({ with: one })
    .filter(({ level }) => level === "warn")
    .map(({ text, remedy }) => `${text} -> ${remedy}`);
const GIVE = `give it ${gateOption(KURED)}`;

test("a kured that is known and asks the gate is well", () => {
  expect(judge()).toEqual([
    { level: "ok", check: "tools", text: `cordons of ${KURED} take a lock` },
    {
      level: "ok",
      check: "kured",
      text: "DaemonSet kube-system/kured takes locks, and asks the gate before it reboots",
    },
  ]);
});

test.each<[string, Parameters<typeof daemonSet>[0], string]>([
  [
    "kured's own command",
    { args: ["--period=1h"] },
    `DaemonSet kube-system/kured does not ask the gate: a node that was uncordoned reboots all the same -> ${GIVE}`,
  ],
  [
    "a command without the gate",
    { args: ["--reboot-command", "/sbin/reboot"] },
    `DaemonSet kube-system/kured does not ask the gate: a node that was uncordoned reboots all the same -> ${GIVE}`,
  ],
  [
    "the environment, which wins",
    { env: [{ name: "KURED_REBOOT_COMMAND", value: "/sbin/reboot" }] },
    `DaemonSet kube-system/kured does not ask the gate: a node that was uncordoned reboots all the same -> ${GIVE}`,
  ],
  [
    "no shell",
    { args: ["--reboot-command=/run/nodelatch/verify && systemctl reboot"] },
    `DaemonSet kube-system/kured asks the gate without a shell: kured takes && for an argument, and never reboots -> ${GIVE}`,
  ],
  [
    "another holder",
    { args: [`--reboot-command=${GATE.replace("kube-system", "ops")}`] },
    `DaemonSet kube-system/kured asks the gate for locks of system:serviceaccount:ops:kured, and runs as ${KURED} -> ${GIVE}`,
  ],
  [
    "a reboot by signal",
    { args: [`--reboot-command=${GATE}`, "--reboot-method=signal"] },
    `DaemonSet kube-system/kured reboots by signal and asks no gate -> --reboot-method=command, and ${GIVE}`,
  ],
  [
    "forced reboots",
    { args: [`--reboot-command=${GATE}`, "--force-reboot"] },
    "DaemonSet kube-system/kured forces reboots: after a failed drain the gate refuses them each time -> leave out --force-reboot",
  ],
])("%s is warned of", (_what, part, warning) => {
  expect(warnings(kured(part))).toEqual([warning]);
});

test("a kured of another name is told how to make it known", () => {
  const other = "system:serviceaccount:kube-system:patcher";
  expect(
    warnings(kured({ account: "patcher", args: [`--reboot-command=${GATE.replace(KURED, other)}`] })),
  ).toEqual([
    `DaemonSet kube-system/kured runs as ${other}, which is no known tool: its cordons take no lock -> ` +
      `tools: [{preset: kured, username: "${other}"}] in the chart's values`,
  ]);
});

test.each<[Parameters<typeof daemonSet>[0]]>([
  [{ args: [`--reboot-command="${GATE}"`] }],
  [{ args: ["--reboot-command", GATE, "--force-reboot=false"] }],
  [
    {
      args: ["--force-reboot=true"],
      env: [
        { name: "KURED_REBOOT_COMMAND", value: GATE },
        { name: "KURED_FORCE_REBOOT", value: "false" },
      ],
    },
  ],
])("%j asks the gate", (part) => {
  expect(warnings(kured(part))).toEqual([]);
});

test.each([
  ["ghcr.io/kubereboot/kured@sha256:00", "/x", true],
  ["registry:5000/kured", "/x", true],
  ["mirror/other:1", "/usr/bin/kured", true],
  ["example.com/kured/sidecar:1", "/bin/sidecar", false],
  ["example.com/nokured:1", "/bin/x", false],
])("image %s, program %s: a kured is %s", (image, program, is) => {
  const containers = [{ image, command: [program] }];
  const found = kuredIn({
    metadata: { namespace: "a", name: "b" },
    spec: { template: { spec: { containers } } },
  });
  expect(found !== undefined).toBe(is);
  expect(found?.username ?? "system:serviceaccount:a:default").toBe("system:serviceaccount:a:default");
});

test.each<[string, Partial<ToolFacts>, string, string]>([
  ["entries that name different users", { latch: ["x"] }, "fail", "guard.nodelatch.io names"],
  ["an entry that is missing", { latch: undefined }, "fail", "latch-tools.nodelatch.io nobody"],
  [
    "a webhook that goes by others",
    { webhook: { kind: "known", value: ["x"] } },
    "fail",
    "the webhook's --tools names x",
  ],
  [
    "a webhook that knows none",
    { webhook: { kind: "known", value: undefined } },
    "fail",
    "the webhook's --tools names nobody",
  ],
  [
    "a Deployment that may not be read",
    { webhook: { kind: "unknown", why: "no", isForbidden: true } },
    "ok",
    "not compared with the webhook's own list: no",
  ],
])("%s", (_what, facts, level, words) => {
  const [first] = judge(facts);
  expect(first?.level).toBe(level);
  expect(first?.text).toContain(words);
});

test("no tools are no fault; and where nothing is registered there is nothing to say", () => {
  const none = { guard: [], latch: undefined, webhook: { kind: "known", value: [] } } as const;
  expect(judge({ ...none, kureds: { kind: "known", value: [] } })).toMatchObject([
    { level: "info", check: "tools" },
  ]);
  expect(judge({ guard: undefined, latch: undefined })).toEqual([]);
  expect(judge({ kureds: { kind: "unknown", why: "forbidden", isForbidden: true } })[1]).toMatchObject({
    level: "skip",
  });
});

test("the users are found in what the chart registers", async () => {
  const known = (await chartTools()).map(({ username }) => username);
  expect(known).toContain(KURED);
  const [guard, latch] = await registrations("nodelatch-system", "nodelatch-webhook");
  expect(registeredUsers({ ...guard }, "guard.nodelatch.io")).toEqual(known);
  expect(registeredUsers({ ...latch }, "latch-tools.nodelatch.io")).toEqual(known);
  const [without] = await registrations("nodelatch-system", "nodelatch-webhook", []);
  expect(registeredUsers({ ...without }, "guard.nodelatch.io")).toEqual([]);
  expect(registeredUsers({ ...latch }, "latch.nodelatch.io")).toBeUndefined();
});

test("the remedy is the manual's", async () => {
  const manual = await readFile(new URL("../../docs/gate.md", import.meta.url), "utf8");
  expect(manual.split("\n")).toContain(gateOption(KURED));
});
