import { expect, test } from "vitest";
import { cacheFolder } from "./cache-folder.ts";

test.each([
  ["the home folder's cache without any setting", {}, "/home/me/.cache/nodelatch"],
  ["the XDG cache", { XDG_CACHE_HOME: "/xdg" }, "/xdg/nodelatch"],
  ["its own setting before all", { XDG_CACHE_HOME: "/xdg", NODELATCH_CACHE: "/own" }, "/own"],
  ["nothing empty", { XDG_CACHE_HOME: "", NODELATCH_CACHE: "" }, "/home/me/.cache/nodelatch"],
])("uses %s", (_name, env, expected) => {
  expect(cacheFolder(env, "/home/me")).toBe(expected);
});

test("refuses a relative folder", () => {
  expect(() => cacheFolder({ NODELATCH_CACHE: "cache" }, "/")).toThrow(
    'NODELATCH_CACHE="cache": expected an absolute',
  );
});
