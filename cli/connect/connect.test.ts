/** Kubeconfigs, exec plugins and servers in trouble, through whole commands. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { connect as dial, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { issueLeaf } from "../../certs/leaf.ts";
import { ApiServer, status, type ApiAnswer } from "../../kube/testing/api-server.ts";
import { run, type Ran } from "../testing/cli-kit.ts";

const folder = await mkdtemp(join(tmpdir(), "nodelatch-cli-"));
const ok: ApiAnswer = { status: 200, json: { kind: "NodeList", items: [] } };
const server = await new ApiServer(() => ok).listen();
const other = await new ApiServer(() => ok).listen();

afterAll(async () => {
  await server.close();
  await other.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  server.requests.length = 0;
  other.requests.length = 0;
  server.answer = ({ path }) =>
    path.endsWith("/events") ? { status: 200, json: { kind: "EventList", items: [] } } : ok;
  other.answer = server.answer;
});

interface Part {
  readonly user?: object;
  readonly at?: ApiServer;
  readonly url?: string;
  readonly names?: string;
  readonly cluster?: object;
}

/** JSON is YAML too. */
async function kubeconfig(file: string, part: Part = {}): Promise<string> {
  const { user = { token: "t" }, at = server, names = "main" } = part;
  const ca = Buffer.from(at.authority.certPem).toString("base64");
  const path = join(folder, file);
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: names,
          cluster: {
            server: part.url ?? `https://127.0.0.1:${at.port}`,
            "certificate-authority-data": ca,
            ...part.cluster,
          },
        },
      ],
      users: [{ name: names, user }],
      contexts: [{ name: names, context: { cluster: names, user: names } }],
      "current-context": names,
    }),
  );
  return path;
}

const nodes = async (...options: readonly string[]): Promise<Ran> => run(["status", ...options]);

const tokens = (): readonly unknown[] => server.requests.map(({ headers }) => headers.authorization);

describe("kubeconfigs", () => {
  test("of --kubeconfig, $KUBECONFIG and ~/.kube/config the first counts", async () => {
    const [flag, env] = [
      await kubeconfig("flag", { user: { token: "flag" } }),
      await kubeconfig("env", { user: { token: "env" } }),
    ];
    await mkdir(join(folder, ".kube"), { recursive: true });
    await kubeconfig(".kube/config", { user: { token: "home" } });
    const home = folder;
    await run(["status", "--kubeconfig", flag], { env: { KUBECONFIG: env }, home });
    await run(["status"], { env: { KUBECONFIG: env }, home });
    await run(["status"], { home });
    expect(new Set(tokens())).toEqual(new Set(["Bearer flag", "Bearer env", "Bearer home"]));
  });

  test("several files are one, the first that names a thing wins, missing ones are passed over", async () => {
    const first = await kubeconfig("first", { user: { token: "first" } });
    const same = await kubeconfig("same", { user: { token: "same" } });
    const second = await kubeconfig("second", { names: "second", at: other });
    const env = { KUBECONFIG: [join(folder, "missing"), first, same, second].join(":") };
    await run(["status"], { env });
    expect(new Set(tokens())).toEqual(new Set(["Bearer first"]));
    await run(["status", "--context", "second"], { env });
    expect(other.requests.length).toBeGreaterThan(0);
  });

  test.each<[string, () => Promise<Ran>, string]>([
    [
      "none at all",
      async () => run(["status"], { home: "/nowhere" }),
      "no cluster is known: /nowhere/.kube/config does not exist; give --kubeconfig FILE",
    ],
    [
      "a file that is missing",
      async () => nodes("--kubeconfig", "/nowhere"),
      "--kubeconfig=/nowhere: no such file",
    ],
    [
      "a context that does not exist",
      async () => nodes("--kubeconfig", await kubeconfig("c"), "--context", "prod"),
      `kubeconfig ${folder}/c: context "prod" does not exist; give --context, one of: main`,
    ],
    [
      "a group without a user",
      async () => nodes("--kubeconfig", await kubeconfig("g"), "--as-group", "admins"),
      "--as-group=admins: needs --as as well: a group alone is nobody",
    ],
    [
      "a timeout in words",
      async () => nodes("--kubeconfig", await kubeconfig("t"), "--request-timeout", "soon"),
      '--request-timeout="soon": expected a duration such as 30s',
    ],
  ])("%s is a mistake that is named", async (_what, ask, message) => {
    expect(await ask()).toEqual({ code: 2, out: "", err: `error: ${message}` });
  });

  test("a file that is no YAML is named, in one line", async () => {
    await writeFile(join(folder, "bad"), "a: [\n");
    const { code, err } = await nodes("--kubeconfig", join(folder, "bad"));
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(`^error: kubeconfig ${folder}/bad: can't be read: [^\n]+$`));
  });
});

describe("exec plugins", () => {
  async function plugin(body: string, part: object = {}): Promise<string> {
    const file = join(folder, "plugin.sh");
    await writeFile(file, `#!/bin/sh\n${body}\n`);
    await chmod(file, 0o755);
    return kubeconfig("exec", {
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
    expect(tokens()).toEqual(["Bearer get-token-hello", "Bearer get-token-hello"]);
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
    server.answer = ({ headers, path }) => {
      if (headers.authorization !== "Bearer t1") return status(401, "Unauthorized", "Unauthorized");
      return path.endsWith("/events") ? { status: 200, json: { kind: "EventList", items: [] } } : ok;
    };
    expect(await nodes("--kubeconfig", file)).toMatchObject({ code: 0 });
    expect(tokens()).toEqual(["Bearer t0", "Bearer t1", "Bearer t1"]);
  });

  /** A plugin that gives a client certificate of the names, one for each time that it is asked. */
  async function certificates(names: readonly string[], expirationTimestamp?: string): Promise<string> {
    for (const [index, name] of names.entries()) {
      const { certPem, keyPem } = issueLeaf(server.authority, [name], Date.now(), 60_000);
      const status = { clientCertificateData: certPem, clientKeyData: keyPem, expirationTimestamp };
      await writeFile(join(folder, `answer-${index}`), JSON.stringify({ kind: "ExecCredential", status }));
    }
    const turns = join(folder, `turns-${names.join("-")}`);
    return plugin(
      `n=$(cat ${turns} 2>/dev/null || echo 0); echo $((n+1)) > ${turns}; cat ${folder}/answer-$n`,
    );
  }
  const shown = (): readonly unknown[] => server.requests.map(({ clientName }) => clientName);

  test("a client certificate is shown, and a new one once the first is not accepted", async () => {
    const file = await certificates(["early", "late"]);
    server.answer = ({ clientName, path }) => {
      if (clientName !== "late") return status(401, "Unauthorized", "Unauthorized");
      return path.endsWith("/events") ? { status: 200, json: { kind: "EventList", items: [] } } : ok;
    };
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
});

describe("servers in trouble", () => {
  test.each<[string, ApiAnswer, number, string]>([
    ["silence", "silence", 75, "no answer before the deadline; is the cluster up"],
    [
      "a 401",
      status(401, "Unauthorized", "Unauthorized"),
      75,
      "the cluster does not accept these credentials",
    ],
    ["a 403", status(403, "Forbidden", "nodes is forbidden"), 1, "list Nodes: nodes is forbidden"],
    ["a 503", status(503, "ServiceUnavailable", "later"), 75, "list Nodes: later; try again in a moment"],
    ["a page", { status: 200, text: "<html>" }, 75, "is the kubeconfig's server a Kubernetes API?"],
    ["another object", { status: 200, json: { kind: "Pod" } }, 75, "the answer is no NodeList"],
  ])("%s has its exit code and its advice, and no stack", async (_what, answer, code, words) => {
    server.answer = () => answer;
    const ran = await nodes("--kubeconfig", await kubeconfig("trouble"), "--request-timeout", "300ms");
    expect(ran).toMatchObject({ code, out: "" });
    expect(ran.err).toContain(words);
    expect(ran.err).not.toMatch(/\n\s+at /);
  });

  test("nobody there, somebody else's certificate, and a port that says nothing", async () => {
    const gone = await nodes("--kubeconfig", await kubeconfig("gone", { url: "https://127.0.0.1:1" }));
    expect(gone).toMatchObject({ code: 75 });
    expect(gone.err).toContain("ECONNREFUSED 127.0.0.1:1; is the cluster up");
    const foreign = await nodes(
      "--kubeconfig",
      await kubeconfig("foreign", { at: other, url: `https://127.0.0.1:${server.port}` }),
    );
    expect(foreign).toMatchObject({ code: 75 });
    expect(foreign.err).toContain("is it the right cluster for this --context?");
    const mute = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => mute.once("listening", resolve));
    const address = mute.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const url = `https://127.0.0.1:${port}`;
    const hung = await nodes("--kubeconfig", await kubeconfig("mute", { url }), "--request-timeout", "300ms");
    mute.close();
    expect(hung).toMatchObject({ code: 75 });
  });

  test("a proxy of the kubeconfig is gone through", async () => {
    const asked: string[] = [];
    const proxy = createHttpServer().on("connect", ({ url = "" }, inside) => {
      asked.push(url);
      const outside = dial(server.port, "127.0.0.1", () => {
        inside.write("HTTP/1.1 200 OK\r\n\r\n");
        inside.pipe(outside).pipe(inside);
      });
      for (const end of [inside, outside]) end.on("error", () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const address = proxy.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    // Nobody listens there: only the proxy knows a way.
    const url = "https://127.0.0.1:1";
    const cluster = { "proxy-url": `http://127.0.0.1:${port}` };
    const ran = await nodes("--kubeconfig", await kubeconfig("proxied", { url, cluster }));
    proxy.close();
    expect(ran).toMatchObject({ code: 0 });
    expect(new Set(asked)).toEqual(new Set(["127.0.0.1:1"]));
  });

  test("one header line for each group", async () => {
    const file = await kubeconfig("as");
    await nodes("--kubeconfig", file, "--as", "erin", "--as-group", "a,b", "--as-group", "c");
    expect(server.requests[0]?.headers).toMatchObject({
      "impersonate-user": "erin",
      "impersonate-group": "a,b, c",
    });
  });

  test("a warning is shown once", async () => {
    server.answer = ({ path }) => ({
      status: 200,
      json: { kind: path.endsWith("/events") ? "EventList" : "NodeList", items: [] },
      headers: { Warning: '299 - "old \\"api\\""' },
    });
    const { err } = await nodes("--kubeconfig", await kubeconfig("warn"));
    expect(err).toBe('Warning: old "api"\nthere are no nodes');
  });

  test("lists come page by page", async () => {
    const node = (name: string): unknown => ({ metadata: { name } });
    server.answer = ({ path, query }) => {
      if (path.endsWith("/events")) return { status: 200, json: { kind: "EventList", items: [] } };
      return query.get("continue") === "2"
        ? { status: 200, json: { kind: "NodeList", items: [node("n2")] } }
        : { status: 200, json: { kind: "NodeList", metadata: { continue: "2" }, items: [node("n1")] } };
    };
    const { out } = await nodes("--kubeconfig", await kubeconfig("pages"));
    expect(out).toMatch(/^n1 /m);
    expect(out).toMatch(/^n2 /m);
  });
});
