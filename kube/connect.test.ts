import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectKubeconfig } from "./connect.ts";
import { ApiServer } from "./testing/api-server.ts";

const signal = new AbortController().signal;

async function serve(): Promise<ApiServer> {
  const server = await new ApiServer(() => ({ status: 200, json: { ok: true } })).listen();
  onTestFinished(async () => server.close());
  return server;
}

function kubeconfig(server: ApiServer): string {
  const directory = mkdtempSync(join(tmpdir(), "nodelatch-kube-"));
  const path = join(directory, "config");
  writeFileSync(join(directory, "ca.crt"), server.authority.certPem);
  writeFileSync(
    path,
    JSON.stringify({
      clusters: [
        {
          name: "c",
          cluster: { server: `https://127.0.0.1:${server.port}/`, "certificate-authority": "ca.crt" },
        },
      ],
      users: [
        { name: "ann", user: { token: "anns" } },
        { name: "bob", user: { token: "bobs" } },
      ],
      contexts: [
        { name: "a", context: { cluster: "c", user: "ann", namespace: "here" } },
        { name: "b", context: { cluster: "c", user: "bob" } },
        { name: "lost", context: { cluster: "gone", user: "ann" } },
        { name: "nobody", context: { cluster: "c", user: "gone" } },
      ],
      "current-context": "a",
    }),
  );
  return path;
}

test("a kubeconfig's current or named context is used, its CA found beside the file", async () => {
  const server = await serve();
  const path = kubeconfig(server);
  for (const kube of [connectKubeconfig(path), connectKubeconfig(path, "b")]) {
    onTestFinished(async () => kube.close());
    await kube.request({ doing: "ask", method: "GET", path: "/version", signal });
  }
  expect(server.requests.map(({ headers, path: asked }) => [asked, headers.authorization])).toEqual([
    ["/version", "Bearer anns"],
    ["/version", "Bearer bobs"],
  ]);
  expect(connectKubeconfig(path).namespace).toBe("here");
});

test("a kubeconfig that does not fit says what it has", async () => {
  const server = await serve();
  const path = kubeconfig(server);
  expect(() => connectKubeconfig(path, "c")).toThrow(
    /context "c" does not exist; it has: a, b, lost, nobody/,
  );
  expect(() => connectKubeconfig(path, "lost")).toThrow(
    /context "lost" names a cluster that is not in the file/,
  );
  expect(() => connectKubeconfig(path, "nobody")).toThrow(
    /context "nobody" names a user that is not in the file/,
  );
  expect(() => connectKubeconfig("/nowhere")).toThrow(/read kubeconfig \/nowhere/);
});
