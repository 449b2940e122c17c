import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../process/run.ts";
import { issueCertificate, type KeyPairFiles, subjectOf } from "./certificate.ts";

let folder: string;
let authority: KeyPairFiles;

function files(name: string): KeyPairFiles {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

async function verify(purpose: string, certificate: string): Promise<number | null> {
  const argv = [
    "openssl",
    "verify",
    "-purpose",
    purpose,
    "-CAfile",
    authority.certificate,
    certificate,
  ] as const;
  return (await run(argv, { timeoutMillis: 10_000 })).code;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-pki-"));
  authority = files("ca");
  const request = { commonName: "test", organizations: [], names: [], use: "authority" } as const;
  await issueCertificate(request, authority, undefined);
});

afterAll(async () => rm(folder, { recursive: true }));

test("a server's certificate serves its names, and is no client's", async () => {
  const server = files("server");
  const names = ["DNS:localhost", "IP:10.96.0.1"];
  await issueCertificate({ commonName: "api", organizations: [], names, use: "server" }, server, authority);
  expect(await verify("sslserver", server.certificate)).toBe(0);
  expect(await verify("sslclient", server.certificate)).not.toBe(0);
  const certificate = new X509Certificate(await readFile(server.certificate));
  expect(certificate.checkIP("10.96.0.1")).toBe("10.96.0.1");
  expect(certificate.checkPrivateKey(createPrivateKey(await readFile(server.key)))).toBe(true);
});

test("a client's certificate carries user and groups, and is no server's", async () => {
  const client = files("client");
  const request = { commonName: "alice", organizations: ["team/a", "system:masters"], names: [] };
  await issueCertificate({ ...request, use: "client" }, client, authority);
  expect(await verify("sslclient", client.certificate)).toBe(0);
  expect(await verify("sslserver", client.certificate)).not.toBe(0);
  const { subject } = new X509Certificate(await readFile(client.certificate));
  expect(subject.split("\n")).toEqual(["O=team/a", "O=system:masters", "CN=alice"]);
});

test("a name's slashes, plus signs and backslashes stay inside it", () => {
  const subject = subjectOf({ commonName: String.raw`a/b+c\d`, organizations: [] });
  expect(subject).toBe(String.raw`/CN=a\/b\+c\\d`);
});
