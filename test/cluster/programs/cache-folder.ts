import { isAbsolute, join } from "node:path";

/**
 * The folder outside the checkout that keeps built programs: `$NODELATCH_CACHE`, or
 * `${XDG_CACHE_HOME:-~/.cache}/nodelatch`. Relative values are refused: they would move with the current folder.
 */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const own = env["NODELATCH_CACHE"];
  if (own !== undefined && own !== "") return absolute("NODELATCH_CACHE", own);
  const xdg = env["XDG_CACHE_HOME"];
  if (xdg !== undefined && xdg !== "") return join(absolute("XDG_CACHE_HOME", xdg), "nodelatch");
  return join(home, ".cache", "nodelatch");
}

function absolute(name: string, value: string): string {
  if (isAbsolute(value)) return value;
  throw new Error(`${name}=${JSON.stringify(value)}: expected an absolute path`);
}
