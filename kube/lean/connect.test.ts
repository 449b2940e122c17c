import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { issueLeaf } from "../../certs/leaf.ts";
import type { KubeConnection } from "../call.ts";
import { ApiServer, status } from "../testing/api-server.ts";
import { connectKubeconfig } from "./connect.ts";

let server: ApiServer;
let folder: string;
const open: KubeConnection[] = [];
beforeEach(async () => {
  server = await new ApiServer(() => ({ status: 200, json: { ok: true } })).listen();
  folder = await mkdtemp(join(tmpdir(), "nodelatch-lean-"));
  await writeFile(join(folder, "ca.crt"), server.authority.certPem);
});
afterEach(async () => {
  for (const kube of open.splice(0)) await kube.close();
  await server.close();
  await rm(folder, { recursive: true });
});

async function connect(user: object): Promise<KubeConnection> {
  const path = join(folder, "config");
  const cluster = { server: `https://127.0.0.1:${server.port}`, "certificate-authority": "ca.crt" };
  await writeFile(
    path,
    // JSON is YAML too.
    JSON.stringify({
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "mine" } }],
      "current-context": "x",
    }),
  );
  const kube = await connectKubeconfig(path);
  open.push(kube);
  return kube;
}

const ask = async (kube: KubeConnection): Promise<unknown> =>
  kube.request({
    doing: "ask",
    method: "GET",
    path: "/version",
    signal: new AbortController().signal,
  });
const sent = (): readonly unknown[] => server.requests.map(({ headers }) => headers.authorization);

test("a token in the file goes along, and a 401 is not asked twice: it would not change", async () => {
  const kube = await connect({ token: "anns" });
  expect(kube.namespace).toBe("mine");
  await ask(kube);
  server.answer = () => status(401, "Unauthorized", "Unauthorized");
  await expect(ask(kube)).rejects.toThrow("ask: Unauthorized");
  expect(sent()).toEqual(["Bearer anns", "Bearer anns"]);
});

test("a token file beside it is read again after a 401", async () => {
  await writeFile(join(folder, "token"), "one\n");
  const kube = await connect({ tokenFile: "token" });
  await ask(kube);
  await writeFile(join(folder, "token"), "two\n");
  server.answer = ({ headers }) =>
    headers.authorization === "Bearer two" ? { status: 200, json: {} } : status(401, "Unauthorized", "no");
  await ask(kube);
  expect(sent()).toEqual(["Bearer one", "Bearer one", "Bearer two"]);
});

test("a client certificate is shown, from data and from files", async () => {
  const { certPem, keyPem } = issueLeaf(server.authority, ["ann"], Date.now(), 60_000);
  const data = (text: string): string => Buffer.from(text).toString("base64");
  const beside = { "client-certificate": "tls.crt", "client-key": "tls.key" };
  await writeFile(join(folder, "tls.crt"), certPem);
  await writeFile(join(folder, "tls.key"), keyPem);
  await ask(await connect({ token: "t" }));
  await ask(await connect({ "client-certificate-data": data(certPem), "client-key-data": data(keyPem) }));
  await ask(await connect(beside));
  expect(server.requests.map(({ clientName }) => clientName)).toEqual([undefined, "ann", "ann"]);
});

test("files that are not there are named", async () => {
  await expect(connectKubeconfig("/nowhere")).rejects.toThrow("read kubeconfig from /nowhere");
  const kube = await connect({ "client-certificate": "a.crt", "client-key": "a.key" });
  await expect(ask(kube)).rejects.toThrow(/^ask: ENOENT.*a\.crt/);
  expect(server.requests).toEqual([]);
});
