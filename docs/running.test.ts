/** What the manuals show of a running webhook, tried on one: probes, refusals, openssl commands, Events. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStage, type Stage } from "../test/simulated/stage.ts";
import { codeIn, fencesIn, tableWith } from "./markdown.ts";

const run = promisify(execFile);
const [operations, certificates] = await Promise.all(
  ["operations.md", "certificates.md"].map((name) => readFile(new URL(name, import.meta.url), "utf8")),
);
const CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodelatch";

let stage: Stage;
let folder: string;
let webhookPort: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-docs-"));
  stage = await startStage({
    users: ["alice", "bob"].map((username) => ({ username, groups: ["node-writers"] })),
    onLog: (line) => {
      const port = /"port":(\d+).*"msg":"serving"/.exec(line)?.[1];
      if (port !== undefined) webhookPort = port;
    },
  });
  const { body } = await stage.client.send({
    method: "GET",
    path: "/api/v1/namespaces/nodelatch-system/secrets/nodelatch-webhook-tls",
  });
  await writeFile(join(folder, "tls.crt"), decoded(at(body, "data", "tls.crt")));
  const configuration = await stage.client.send({ method: "GET", path: CONFIGURATION });
  const bundle = at(configuration.body, "webhooks", 0, "clientConfig", "caBundle");
  await writeFile(join(folder, "ca-bundle.pem"), decoded(bundle));
}, 120_000);
afterAll(async () => {
  await stage.close();
  await rm(folder, { recursive: true, force: true });
});

test("/readyz?verbose of a replica in order is the one shown, and nobody needs ?verbose for ok", async () => {
  const report = await textOf("/readyz?verbose");
  const masked = report
    .replace(/certificate [0-9A-F]+ /, "certificate SERIAL ")
    .replace(/until \S+/, "until TIME");
  expect(fencesIn(operations ?? "").map(({ text }) => `${text}\n`)).toContain(masked);
  expect([await textOf("/readyz"), await textOf("/healthz"), await textOf("/livez")]).toEqual([
    "ok",
    "ok",
    "ok",
  ]);
});

const commands = fencesIn(certificates ?? "")
  .flatMap(({ text }) => text.split("\n"))
  .filter((line) => line.startsWith("openssl "));

test.each(commands)("%s", async (line) => {
  // The port of `kubectl port-forward`.
  const command = line.replace("localhost:9443", `127.0.0.1:${webhookPort}`);
  const { stdout } = await run("bash", ["-o", "pipefail", "-c", command], { cwd: folder, timeout: 10_000 });
  expect(stdout).toMatch(EXPECTED.get(command.split(" ")[1] ?? "") ?? /no expectation/);
});

const EXPECTED = new Map([
  ["x509", /CN ?= ?nodelatch-webhook\.nodelatch-system\.svc\n[\s\S]*notAfter=[\s\S]*svc\.cluster\.local/],
  ["storeutl", /Not After[\s\S]*CN ?= ?nodelatch webhook CA /],
  ["verify", /^tls\.crt: OK\n$/],
  ["s_client", /Verify return code: 0 \(ok\)\n$/],
]);

test("there are four openssl commands", () => {
  expect(commands.map((line) => line.split(" ")[1])).toEqual([...EXPECTED.keys()]);
});

test("with the webhook gone, the API server's refusal begins as shown; with it, an Event is written", async () => {
  const path = "/api/v1/nodes/n1";
  const lock = { "nodelatch.io/reboot-lock": "kernel update" };
  const metadata = { name: "n1", annotations: lock };
  const node = { apiVersion: "v1", kind: "Node", metadata, spec: { unschedulable: true } };
  await stage.client.send({ method: "POST", path: "/api/v1/nodes", body: node, as: by("alice") });
  const uncordon = () =>
    stage.client.send({
      method: "PATCH",
      path,
      as: by("bob"),
      contentType: "application/merge-patch+json",
      body: { spec: { unschedulable: null } },
    });
  const refusal = String(at((await uncordon()).body, "message"));
  const events = async (): Promise<unknown> => {
    const answer = await stage.client.send({ method: "GET", path: "/api/v1/namespaces/default/events" });
    return at(answer.body, "items", 0);
  };
  await expect.poll(async () => at(await events(), "reason")).toBe("UncordonRefused");
  const said = refusal.replace(/^.*denied the request: /, "");
  expect(at(await events(), "message")).toBe(`uncordon by bob refused: ${said}`);
  expect(at(await events(), "type")).toBe("Warning");

  stage.webhook.kill("SIGKILL");
  await once(stage.webhook, "exit");
  const message = String(at((await uncordon()).body, "message"));
  const [, shown = ""] = /\*\*`(failed calling webhook[\s\S]*?)`\*\*/.exec(operations ?? "") ?? [];
  expect(shown).toContain("failed to call webhook: Post");
  expect(message).toContain(shown.replace(/\s+/g, " "));
});

test("the ends of such refusals are those that a real API server was heard to say", async () => {
  const file = new URL("../test/simulated/conformance/recording.jsonl", import.meta.url);
  const heard = await readFile(file, "utf8");
  const ends = tableWith(operations ?? "", "it ends with", "look at").rows.flatMap(([end = ""]) =>
    codeIn(end),
  );
  // No Service in the recording lacks endpoints; this one is pkg/util/proxy's.
  const known = ['no endpoints available for service "nodelatch-webhook"'];
  expect(ends.filter((end) => !known.includes(end) && !heard.includes(end))).toEqual([]);
  expect(ends).toHaveLength(4);
});

function by(user: string) {
  return { user, groups: ["node-writers"] };
}

async function textOf(path: string): Promise<string> {
  return (await fetch(stage.probeUrl + path)).text();
}

function decoded(base64: unknown): string {
  return Buffer.from(String(base64), "base64").toString();
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path)
    found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined;
  return found;
}
