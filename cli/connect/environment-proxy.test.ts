import { expect, test } from "vitest";
import { environmentProxy } from "./environment-proxy.ts";

const PROXY = "http://proxy:3128";
const SERVER = "https://api.example.com:6443";

test.each<[string, string, Record<string, string>, string | undefined]>([
  ["nothing is set", SERVER, {}, undefined],
  ["it is set", SERVER, { HTTPS_PROXY: PROXY }, PROXY],
  ["it is set in small letters", SERVER, { https_proxy: PROXY }, PROXY],
  ["it has no scheme", SERVER, { HTTPS_PROXY: "proxy:3128" }, PROXY],
  ["it is for http alone", SERVER, { HTTP_PROXY: PROXY }, undefined],
  ["the server speaks http", "http://api:8080", { HTTP_PROXY: PROXY, HTTPS_PROXY: "x" }, PROXY],
  ["the server is on this machine", "https://127.0.0.1:6443", { HTTPS_PROXY: PROXY }, undefined],
  ["so is this one", "https://localhost", { HTTPS_PROXY: PROXY }, undefined],
  ["and this", "https://[::1]:6443", { HTTPS_PROXY: PROXY }, undefined],
  ["the server is no URL", "api", { HTTPS_PROXY: PROXY }, undefined],
])("%s", (_what, server, env, expected) => {
  expect(environmentProxy(server, env)).toBe(expected);
});

test.each<[string, string, boolean]>([
  ["*", SERVER, true],
  ["example.com", SERVER, true],
  ["EXAMPLE.com ", SERVER, true],
  [".example.com", SERVER, true],
  ["*.example.com", SERVER, true],
  ["api.example.com", SERVER, true],
  [".api.example.com", SERVER, false],
  ["ample.com", SERVER, false],
  ["example.com:6443", SERVER, true],
  ["example.com:443", SERVER, false],
  ["other.com, ,example.com", SERVER, true],
  ["", SERVER, false],
  ["10.0.0.0/8", "https://10.1.2.3:6443", true],
  ["10.0.0.0/8", "https://11.1.2.3:6443", false],
  ["10.0.0.0/99", "https://10.1.2.3:6443", false],
  ["10.1.2.3", "https://10.1.2.3:6443", true],
  ["10.1.2.3:443", "https://10.1.2.3", true],
  ["10.1.2.3", "https://10.1.2.30", false],
  ["fd00::/8", "https://[fd00::1]:6443", true],
  ["fd00::1", "https://[fd00:0::1]:6443", true],
  ["[fd00::1]:6443", "https://[fd00::1]:6443", true],
  ["[fd00::1]:443", "https://[fd00::1]:6443", false],
  ["10.0.0.0/8", SERVER, false],
])("NO_PROXY=%j of %s: %s", (exceptions, server, isExcepted) => {
  const expected = isExcepted ? undefined : PROXY;
  expect(environmentProxy(server, { HTTPS_PROXY: PROXY, NO_PROXY: exceptions })).toBe(expected);
});
