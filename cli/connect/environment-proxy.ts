/** The proxy that the environment names, as kubectl takes it: by Go's rules (golang.org/x/net/http/httpproxy). Pure. */
import { BlockList, isIP } from "node:net";

type Environment = Readonly<Record<string, string | undefined>>;

/** The URL of a proxy for this server, or undefined; a kubeconfig's own `proxy-url` comes first, which is not seen here. */
export function environmentProxy(server: string, env: Environment): string | undefined {
  if (!URL.canParse(server)) return undefined;
  const { protocol, hostname, port } = new URL(server);
  const isHttps = protocol === "https:";
  const proxy = isHttps ? either(env, "HTTPS_PROXY") : either(env, "HTTP_PROXY");
  if (proxy === "") return undefined;
  const host = hostname.replaceAll(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || isWithin(host, "127.0.0.0/8") || host === "::1") return undefined;
  const exceptions = either(env, "NO_PROXY").split(",");
  const asked = { host, port: port === "" ? (isHttps ? "443" : "80") : port };
  if (exceptions.some((text) => isExcepted(asked, text.trim().toLowerCase()))) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function either(env: Environment, name: string): string {
  return env[name] || env[name.toLowerCase()] || "";
}

interface Asked {
  readonly host: string;
  readonly port: string;
}

/** @param text `*`, an address, a network, a domain or `.domain`; all but a network may have a port. */
function isExcepted({ host, port }: Asked, text: string): boolean {
  if (text === "") return false;
  if (text === "*") return true;
  if (text.includes("/")) return isWithin(host, text);
  const [, bracketed, plain = "", wanted] = /^(?:\[([^\]]+)\]|([^:]+|.*:.*:.*))(?::(\d+))?$/.exec(text) ?? [];
  const name = (bracketed ?? plain).replace(/^\*(?=\.)/, "");
  if (name === "" || (wanted !== undefined && wanted !== port)) return false;
  if (isIP(name) !== 0)
    return isIP(host) === isIP(name) && isWithin(host, `${name}/${isIP(name) === 4 ? 32 : 128}`);
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isWithin(host: string, network: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  const [family, own] = [isIP(address), isIP(host)];
  if (family === 0 || own === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, own === 4 ? "ipv4" : "ipv6");
}
