import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import type { ApiCredentials } from "./api-client.ts";
import { fields } from "./nodes.ts";

/**
 * What the current context of a kubeconfig says: server, CA, and a client certificate or a token, in files or inline.
 * @throws Error naming the field that is missing; exec plugins are not run here.
 */
export async function readKubeconfig(file: string): Promise<ApiCredentials> {
  const config = fields(parse(await readFile(file, "utf8")));
  const context = named(config["contexts"], config["current-context"], "context");
  const cluster = named(config["clusters"], context["cluster"], "cluster");
  const user = named(config["users"], context["user"], "user");
  const folder = dirname(resolve(file));
  const pem = (from: Record<string, unknown>, key: string): Promise<string | undefined> =>
    pemOf(from, key, folder);
  const { server } = cluster;
  if (typeof server !== "string") throw new Error(`${file}: the cluster has no server`);
  const [caPem, cert, key] = await Promise.all([
    pem(cluster, "certificate-authority"),
    pem(user, "client-certificate"),
    pem(user, "client-key"),
  ]);
  if (caPem === undefined) throw new Error(`${file}: the cluster has no certificate-authority`);
  const { token } = user;
  return {
    url: server,
    caPem,
    ...(typeof token === "string" ? { token } : {}),
    ...(cert === undefined ? {} : { clientCertPem: cert }),
    ...(key === undefined ? {} : { clientKeyPem: key }),
  };
}

function named(list: unknown, name: unknown, kind: string): Record<string, unknown> {
  const found: unknown = Array.isArray(list)
    ? list.find((entry: unknown) => fields(entry)["name"] === name)
    : undefined;
  if (found === undefined) throw new Error(`kubeconfig: no ${kind} named ${String(name)}`);
  return fields(fields(found)[kind]);
}

async function pemOf(
  from: Record<string, unknown>,
  key: string,
  folder: string,
): Promise<string | undefined> {
  const inline = from[`${key}-data`];
  if (typeof inline === "string") return Buffer.from(inline, "base64").toString("utf8");
  const path = from[key];
  return typeof path === "string" ? await readFile(resolve(folder, path), "utf8") : undefined;
}
