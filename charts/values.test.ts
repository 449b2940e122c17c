/** values.yaml, its schema and the templates have to tell the same story. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { at, chartFile, chartFolder, isMap } from "./chart-files.ts";

const values: unknown = parse(await chartFile("values.yaml"));
const schema: unknown = JSON.parse(await chartFile("values.schema.json"));
const templates = await readTemplates();

test("the schema is a valid one and takes the default values", () => {
  expect(problems(values)).toEqual([]);
});

// Each row is what a user might write by mistake, and where the schema says so.
test.each([
  ["a key that does not exist", "", { replicas: 3 }],
  ["a key that does not exist in a section", "/webhook", { webhook: { replica: 3 } }],
  [
    "a key not known two sections down",
    "/metrics/serviceMonitor",
    { metrics: { serviceMonitor: { on: true } } },
  ],
  ["no replicas at all", "/webhook/replicas", { webhook: { replicas: 0 } }],
  ["a number as text", "/webhook/replicas", { webhook: { replicas: "2" } }],
  ["an unknown mode", "/guard/mode", { guard: { mode: "on" } }],
  ["a bare on, which is true in YAML 1.1", "/guard/mode", { guard: { mode: true } }],
  ["a timeout the API server would refuse", "/guard/timeoutSeconds", { guard: { timeoutSeconds: 31 } }],
  ["a port that needs root", "/webhook/port", { webhook: { port: 443 } }],
  ["a duration without a unit", "/lock/maxTTL", { lock: { maxTTL: "90" } }],
  [
    "a username with a comma, which would be two",
    "/guard/exemptDeleters/0",
    { guard: { exemptDeleters: ["a,b"] } },
  ],
  ["a tool without its user", "/tools/0", { tools: [{ name: "a", lockOn: "cordon" }] }],
  ["a tool's user with a quote", "/tools/0/username", { tools: [{ preset: "kured", username: "a'b" }] }],
  ["an unknown field of a tool", "/tools/0", { tools: [{ preset: "kured", lockon: "cordon" }] }],
  ["perNode as text", "/tools/0/perNode", { tools: [{ preset: "kured", perNode: "yes" }] }],
  ["a CA that is not PEM", "/certs/caBundle", { certs: { caBundle: "QUJD" } }],
  ["an issuer's kind without its name", "/certs/certManager/issuerRef", issuerRef({ kind: "ClusterIssuer" })],
  ["an unknown mode of a pass", "/agent/containers/boot", { agent: { containers: { boot: "warn" } } }],
  [
    "a runtime behind TCP",
    "/agent/runtimeEndpoints/0",
    { agent: { runtimeEndpoints: ["tcp://1.2.3.4:2375"] } },
  ],
  ["a digest that is none", "/image/digest", { image: { digest: "latest" } }],
])("the schema refuses %s", (_name, path, change) => {
  // A set, as every way of writing a tool has its own say about one that is none of them.
  const places = problems(merged(values, change)).map((problem) => problem.split(" ")[0]);
  expect(new Set(places)).toEqual(new Set([`at:${path}`]));
});

test.each([
  ["a bare off, which is false in YAML 1.1", { guard: { mode: false } }],
  ["a bare on for a pass", { agent: { containers: { boot: true } } }],
  ["values of a parent chart", { global: { anything: 1 } }],
  ["no tools", { tools: [] }],
  ["a preset with another user", { tools: [{ preset: "kured", username: "bob", ttl: "4h" }] }],
  [
    "a tool of one's own",
    {
      tools: [
        {
          name: "mine",
          username: "bob",
          lockOn: { annotationAdded: "example.com/a" },
          releaseOn: "reboot",
          perNode: false,
        },
      ],
    },
  ],
  ["a digest", { image: { digest: `sha256:${"0a".repeat(32)}` } }],
  ["an issuer", issuerRef({ name: "mine", kind: "ClusterIssuer" })],
])("the schema takes %s", (_name, change) => {
  expect(problems(merged(values, change))).toEqual([]);
});

test.each(["0%", "101%", 0, "ten"])(
  "the schema refuses a rollout of the agent with maxUnavailable %j",
  (value) => {
    expect(problems(merged(values, { agent: { maxUnavailable: value } }))).not.toEqual([]);
  },
);

test("every key of the schema has a default in values.yaml, and the other way round", () => {
  // `global` is Helm's own, and an empty issuerRef is a default too.
  const notDefaults = ["global", "certs.certManager.issuerRef."];
  const declared = schemaPaths(schema).filter((path) => !notDefaults.some((start) => path.startsWith(start)));
  expect(declared.sort()).toEqual(valuePaths(values).sort());
});

test("every value a template names exists, and every value is named by a template", () => {
  const paths = valuePaths(values);
  const used = [...templates.matchAll(/\.Values\.([A-Za-z.]+)|\$w\.([A-Za-z.]+)|\$a\.([A-Za-z.]+)/g)].map(
    ([, direct, ofWebhook, ofAgent]) =>
      direct ?? (ofWebhook === undefined ? `agent.${ofAgent}` : `webhook.${ofWebhook}`),
  );
  expect(
    used.filter((path) => !paths.includes(path) && !paths.some((p) => p.startsWith(`${path}.`))),
  ).toEqual([]);
  // A section used as a whole (`with .Values.image`) uses its keys.
  const sections = new Set(used);
  const isUsed = (path: string): boolean =>
    path.split(".").some((_part, index, parts) => sections.has(parts.slice(0, index + 1).join(".")));
  expect(paths.filter((path) => !isUsed(path))).toEqual([]);
});

/** What the schema says against `candidate`, as `at:/path message`. */
function problems(candidate: unknown): readonly string[] {
  if (!isMap(schema)) throw new TypeError("values.schema.json: expected an object");
  const validate = new Ajv({ strict: true, allErrors: true }).compile(schema);
  validate(candidate);
  return (validate.errors ?? []).map(({ instancePath, message }) => `at:${instancePath} ${message}`);
}

function issuerRef(ref: object) {
  return { certs: { certManager: { issuerRef: ref } } };
}

/** Paths of all keys below which the schema declares none. */
function schemaPaths(node: unknown, prefix = ""): string[] {
  const properties = entriesOf(at(node, "properties"));
  return properties.flatMap(([key, child]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return entriesOf(at(child, "properties")).length === 0 || key === "issuerRef"
      ? [path]
      : schemaPaths(child, path);
  });
}

/** Keys whose own keys are users' (labels, selectors, limits), not the chart's. */
const free = new Set(["resources", "nodeSelector"]);

function valuePaths(node: unknown, prefix = ""): string[] {
  return entriesOf(node).flatMap(([key, child]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return entriesOf(child).length === 0 || free.has(key) ? [path] : valuePaths(child, path);
  });
}

function merged(base: unknown, change: unknown): unknown {
  if (!isMap(base) || !isMap(change)) return change;
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(change)) result.set(key, merged(result.get(key), value));
  return Object.fromEntries(result);
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}

async function readTemplates(): Promise<string> {
  const folder = join(chartFolder, "templates");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
}
