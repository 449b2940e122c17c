/** The shared libraries that Node needs inside an image which has no distribution in it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";

/** What the dynamic loader said about a program. Paths are where it found the libraries, itself included. */
export type LoaderList =
  | { readonly kind: "complete"; readonly paths: readonly string[] }
  | { readonly kind: "incomplete"; readonly missing: readonly string[] };

/** Path of glibc's loader, fixed by the ABI of each architecture (the ELF header of Node names it). */
export const loaders: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: "/lib64/ld-linux-x86-64.so.2",
  arm64: "/lib/ld-linux-aarch64.so.1",
};

// glibc opens these by name when a host is looked up, so the loader does not list them. Since glibc 2.34 they are
// inside libc and the files are empty shells, which do no harm.
const openedByName = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/** Reads the output of `ld.so --list PROGRAM`. */
export function parseLoaderList(output: string): LoaderList {
  const paths: string[] = [];
  const missing: string[] = [];
  for (const line of output.split("\n")) {
    const absent = /^\s*(\S+) => not found/.exec(line)?.[1];
    if (absent !== undefined) missing.push(absent);
    const path = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1];
    if (path !== undefined) paths.push(path);
  }
  return missing.length > 0 ? { kind: "incomplete", missing } : { kind: "complete", paths };
}

/**
 * Every library `program` needs, under the path at which its loader will look for it in the image.
 * The loader is asked without its cache and environment, because the image has neither.
 * @throws Error naming the missing library or loader.
 */
export function librariesOf(program: string, arch: NodeJS.Architecture): readonly string[] {
  const loader = loaders[arch];
  if (loader === undefined) throw new Error(`image: no loader known for ${arch}; expected x64 or arm64`);
  const run = spawnSync(loader, ["--inhibit-cache", "--list", program], { encoding: "utf8", env: {} });
  if (run.error !== undefined) {
    throw new Error(`image: ${loader} does not run; a Linux with glibc is needed`, { cause: run.error });
  }
  const list = parseLoaderList(run.stdout);
  if (list.kind === "incomplete") {
    throw new Error(
      `image: ${program} needs ${list.missing.join(", ")}, not found in the loader's own folders`,
    );
  }
  if (run.status !== 0 || list.paths.length === 0) {
    throw new Error(`image: ${loader} --list ${program} ended with ${run.status}: ${run.stderr.trim()}`);
  }
  const libc = list.paths.find((path) => path.endsWith("/libc.so.6"));
  const beside = libc === undefined ? [] : openedByName.map((name) => join(dirname(libc), name));
  return [...new Set([...list.paths, loader, ...beside.filter((path) => existsSync(path))])].sort();
}
