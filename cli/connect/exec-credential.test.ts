/** Exec plugins of kubeconfigs, through whole commands. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { issueLeaf } from "../../certs/leaf.ts";
import { status } from "../../kube/testing/api-server.ts";
import { run, type Ran } from "../testing/cli-kit.ts";
import { answerEmpty, KubeconfigKit } from "../testing/kubeconfig-kit.ts";

const kit = await KubeconfigKit.start();
const { folder, server } = kit;

afterAll(async () => kit.close());
beforeEach(() => {
  server.requests.length = 0;
  server.answer = answerEmpty;
});

const nodes = async (...options: readonly string[]): Promise<Ran> => run(["status", ...options]);

async function plugin(body: string, part: object = {}): Promise<string> {
  const file = join(folder, "plugin.sh");
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return kit.kubeconfig("exec", {
    user: {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        // As kubectl takes it: from the folder of the kubeconfig.
        command: "./plugin.sh",
        args: ["get-token"],
        env: [{ name: "PLUGIN_SAYS", value: "hello" }],
        interactiveMode: "Never",
        ...part,
      },
    },
  });
}
const credential = (token: string): string => `{"kind":"ExecCredential","status":{"token":"${token}"}}`;

test("a shell script gives the token, once for all requests, and is told what it is for", async () => {
  const file = await plugin(
    `echo "$KUBERNETES_EXEC_INFO" >> ${folder}/asked; echo '${credential("$1-$PLUGIN_SAYS")}' | sed "s/\\$1/$1/; s/\\$PLUGIN_SAYS/$PLUGIN_SAYS/"`,
    { provideClusterInfo: true },
  );
  expect(await nodes("--kubeconfig", file)).toMatchObject({ code: 0 });
  expect(kit.tokens).toEqual(["Bearer get-token-hello", "Bearer get-token-hello"]);
  const asked = (await readFile(join(folder, "asked"), "utf8")).trim().split("\n");
  expect(asked).toHaveLength(1);
  const info: unknown = JSON.parse(asked[0] ?? "");
  expect(info).toMatchObject({
    kind: "ExecCredential",
    apiVersion: "client.authentication.k8s.io/v1",
    spec: { interactive: false, cluster: { server: `https://127.0.0.1:${server.port}` } },
  });
});

test("a token that is not accepted is asked for anew, once", async () => {
  const file = await plugin(
    `n=$(cat ${folder}/n 2>/dev/null || echo 0); echo $((n+1)) > ${folder}/n; echo "{\\"status\\":{\\"token\\":\\"t$n\\"}}"`,
  );
  server.answer = (asked) =>
    asked.headers.authorization === "Bearer t1"
      ? answerEmpty(asked)
      : status(401, "Unauthorized", "Unauthorized");
  expect(await nodes("--kubeconfig", file)).toMatchObject({ code: 0 });
  expect(kit.tokens).toEqual(["Bearer t0", "Bearer t1", "Bearer t1"]);
});

/** A plugin that gives a client certificate of the names, one for each time that it is asked. */
async function certificates(names: readonly string[], expirationTimestamp?: string): Promise<string> {
  for (const [index, name] of names.entries()) {
    const { certPem, keyPem } = issueLeaf(server.authority, [name], Date.now(), 60_000);
    const status = { clientCertificateData: certPem, clientKeyData: keyPem, expirationTimestamp };
    await writeFile(join(folder, `answer-${index}`), JSON.stringify({ kind: "ExecCredential", status }));
  }
  const turns = join(folder, `turns-${names.join("-")}`);
  return plugin(`n=$(cat ${turns} 2>/dev/null || echo 0); echo $((n+1)) > ${turns}; cat ${folder}/answer-$n`);
}
const shown = (): readonly unknown[] => server.requests.map(({ clientName }) => clientName);

test("a client certificate is shown, and a new one once the first is not accepted", async () => {
  const file = await certificates(["early", "late"]);
  server.answer = (asked) =>
    asked.clientName === "late" ? answerEmpty(asked) : status(401, "Unauthorized", "Unauthorized");
  expect(await nodes("--kubeconfig", file)).toMatchObject({ code: 0 });
  expect(shown()).toEqual(["early", "late", "late"]);
});

test("a credential that has run out is not shown again", async () => {
  const file = await certificates(["one", "two"], "2026-01-01T00:00:00Z");
  expect(await nodes("--kubeconfig", file)).toMatchObject({ code: 0 });
  expect(shown()).toEqual(["one", "two"]);
});

test.each<[string, string, object, number, string]>([
  ["fails", "exit 3", {}, 75, "exec plugin /FOLDER/plugin.sh failed: exit code 3"],
  ["prints no JSON", "echo hello", {}, 75, "exec plugin /FOLDER/plugin.sh: printed no JSON"],
  [
    "prints nothing of use",
    "echo '{}'",
    {},
    75,
    "exec plugin /FOLDER/plugin.sh: printed neither a token nor a certificate with its key",
  ],
  [
    "is not there",
    "",
    { command: "/nowhere/x", installHint: "get it at example.com" },
    2,
    "exec plugin /nowhere/x: spawn /nowhere/x ENOENT; get it at example.com",
  ],
  [
    "wants a terminal",
    "",
    { interactiveMode: "Always" },
    2,
    "kubeconfig: exec plugin /FOLDER/plugin.sh wants a terminal, and there is none",
  ],
])("a plugin that %s is named", async (_what, body, part, code, message) => {
  const ran = await nodes("--kubeconfig", await plugin(body, part));
  expect(ran).toMatchObject({ code, out: "" });
  expect(ran.err).toBe(`error: ${message.replace("/FOLDER", folder)}`);
});

test("a plugin that hangs is given up in time", async () => {
  const ran = await nodes("--kubeconfig", await plugin("exec sleep 30"), "--request-timeout", "300ms");
  expect(ran).toMatchObject({ code: 75 });
  expect(ran.err).toContain("no answer before the deadline");
});
