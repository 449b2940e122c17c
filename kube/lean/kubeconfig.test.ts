import { expect, test } from "vitest";
import { stringify } from "yaml";
import { parseKubeconfig } from "./kubeconfig.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n";
const BASE64 = Buffer.from(PEM).toString("base64");

function file(user: object | null, cluster: object = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [
      { name: "here", context: { cluster: "c", user: "u", namespace: "mine" } },
      { name: "there", context: { cluster: "c", user: "u" } },
      { name: "lost", context: { cluster: "gone", user: "u" } },
      { name: "nobody", context: { cluster: "c", user: "gone" } },
    ],
    "current-context": "here",
  });
}

const PATH = "/etc/access/config";

test("a token and a CA in the file", () => {
  expect(parseKubeconfig(file({ token: "t" }, { "certificate-authority-data": BASE64 }), PATH)).toEqual({
    server: "https://10.0.0.1:6443",
    serverName: undefined,
    namespace: "mine",
    ca: { kind: "text", text: PEM },
    pair: undefined,
    token: { kind: "text", text: "t" },
  });
});

test("files are looked for beside it, the token's wins over a token, data wins over a file", () => {
  const user = {
    token: "t",
    tokenFile: "token",
    "client-certificate": "/abs/tls.crt",
    "client-key": "tls.key",
    "client-key-data": BASE64,
  };
  const cluster = { "certificate-authority": "../ca.crt", "tls-server-name": "kubernetes" };
  expect(parseKubeconfig(file(user, cluster), PATH)).toMatchObject({
    serverName: "kubernetes",
    ca: { kind: "file", path: "/etc/ca.crt" },
    pair: { certificate: { kind: "file", path: "/abs/tls.crt" }, key: { kind: "text", text: PEM } },
    token: { kind: "file", path: "/etc/access/token" },
  });
});

test("another context than the current one", () => {
  expect(parseKubeconfig(file({}), PATH, "there").namespace).toBeUndefined();
  expect(parseKubeconfig(file(null), PATH, "there").token).toBeUndefined();
});

test.each([
  ["exec", { exec: { command: "aws" } }],
  ["auth-provider", { "auth-provider": { name: "oidc" } }],
  ["username", { username: "ann", password: "x" }],
  ["as", { token: "t", as: "bob" }],
])("a user with %s is refused by that name", (field, user) => {
  expect(() => parseKubeconfig(file(user), PATH)).toThrow(
    new RegExp(`^kubeconfig ${PATH}: users\\[\\]\\.user\\.${field}: .+; |instead$|credentials$`),
  );
});

test.each([
  ["insecure-skip-tls-verify", true],
  ["proxy-url", "http://proxy"],
])("a cluster with %s is refused by that name", (field, value) => {
  expect(() => parseKubeconfig(file({}, { [field]: value }), PATH)).toThrow(
    `kubeconfig ${PATH}: clusters[].cluster.${field}: `,
  );
});

test("what is switched off or empty is no reason to refuse", () => {
  const cluster = { "insecure-skip-tls-verify": false, "proxy-url": "" };
  expect(parseKubeconfig(file({ exec: null, token: "t" }, cluster), PATH).token).toBeDefined();
});

test.each([
  ["no YAML", "a: [", undefined, "not YAML"],
  ["no such context", file({}), "c", 'context "c" does not exist; it has: here, there, lost, nobody'],
  ["nothing in it", "", undefined, 'context "" does not exist; it has: none'],
  ["a cluster that is missing", file({}), "lost", 'context "lost" names a cluster that is not in the file'],
  ["a user that is missing", file({}), "nobody", 'context "nobody" names a user that is not in the file'],
  ["plain HTTP", file({}, { server: "http://a" }), undefined, 'server "http://a": expected an https:// URL'],
  ["no server", file({}, { server: null }), undefined, 'server "": expected an https:// URL'],
  ["half a pair", file({ "client-key": "k" }), undefined, "one is missing"],
  ["data that is no PEM", file({}, { "certificate-authority-data": "aGk=" }), undefined, "expected PEM"],
])("%s is an error that says so", (_what, text, context, words) => {
  expect(() => parseKubeconfig(text, PATH, context)).toThrow(words);
});
