import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readKubeconfig } from "./kubeconfig.ts";

async function kubeconfig(cluster: string, user: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "ca.crt"), "CA");
  await writeFile(
    join(folder, "config"),
    `apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`,
  );
  return join(folder, "config");
}

test("reads files relative to the kubeconfig and a token", async () => {
  const file = await kubeconfig("{server: https://x:1, certificate-authority: ca.crt}", "{token: t}");
  expect(await readKubeconfig(file)).toEqual({ url: "https://x:1", caPem: "CA", token: "t" });
});

test("reads inline data", async () => {
  const data = (text: string) => Buffer.from(text).toString("base64");
  const file = await kubeconfig(
    `{server: https://x:1, certificate-authority-data: ${data("CA")}}`,
    `{client-certificate-data: ${data("CERT")}, client-key-data: ${data("KEY")}}`,
  );
  expect(await readKubeconfig(file)).toEqual({
    url: "https://x:1",
    caPem: "CA",
    clientCertPem: "CERT",
    clientKeyPem: "KEY",
  });
});

test.each([
  ["{certificate-authority: ca.crt}", "no server"],
  ["{server: https://x:1}", "no certificate-authority"],
])("names what %s lacks", async (cluster, problem) => {
  await expect(readKubeconfig(await kubeconfig(cluster, "{token: t}"))).rejects.toThrow(problem);
});
