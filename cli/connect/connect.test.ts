/** Kubeconfigs and servers in trouble, through whole commands. */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { connect as dial, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ApiServer, status, type ApiAnswer } from "../../kube/testing/api-server.ts";
import { run, type Ran } from "../testing/cli-kit.ts";
import { answerEmpty, KubeconfigKit, type Part } from "../testing/kubeconfig-kit.ts";

const kit = await KubeconfigKit.start();
const { folder, server } = kit;
const other = await new ApiServer(answerEmpty).listen();

afterAll(async () => {
  await kit.close();
  await other.close();
});
beforeEach(() => {
  server.requests.length = 0;
  other.requests.length = 0;
  server.answer = answerEmpty;
  other.answer = answerEmpty;
});

const kubeconfig = async (file: string, part?: Part): Promise<string> => kit.kubeconfig(file, part);
const nodes = async (...options: readonly string[]): Promise<Ran> => run(["status", ...options]);

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
    expect(new Set(kit.tokens)).toEqual(new Set(["Bearer flag", "Bearer env", "Bearer home"]));
  });

  test("several files are one, the first that names a thing wins, missing ones are passed over", async () => {
    const first = await kubeconfig("first", { user: { token: "first" } });
    const same = await kubeconfig("same", { user: { token: "same" } });
    const second = await kubeconfig("second", { names: "second", at: other });
    const env = { KUBECONFIG: [join(folder, "missing"), first, same, second].join(":") };
    await run(["status"], { env });
    expect(new Set(kit.tokens)).toEqual(new Set(["Bearer first"]));
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
    // Silence is waited for to the end; what is answered has time to come on a busy machine.
    const timeout = answer === "silence" ? "300ms" : "60s";
    const ran = await nodes("--kubeconfig", await kubeconfig("trouble"), "--request-timeout", timeout);
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

  test("the proxy is that of the kubeconfig, or else of the environment", async () => {
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
    const here = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    // Nobody has these addresses (RFC 5737): only the proxy knows a way.
    const insecure = { "certificate-authority-data": undefined, "insecure-skip-tls-verify": true };
    const named = { url: "https://192.0.2.1", cluster: { ...insecure, "proxy-url": here } };
    const nowhere = { HTTPS_PROXY: "http://127.0.0.1:1" };
    const first = await run(["status", "--kubeconfig", await kubeconfig("named", named)], { env: nowhere });
    const unnamed = { url: "https://192.0.2.2", cluster: insecure };
    const env = { HTTPS_PROXY: here };
    const second = await run(["status", "--kubeconfig", await kubeconfig("unnamed", unnamed)], { env });
    proxy.close();
    expect([first.code, second.code]).toEqual([0, 0]);
    expect([...new Set(asked)]).toEqual(["192.0.2.1:443", "192.0.2.2:443"]);
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
