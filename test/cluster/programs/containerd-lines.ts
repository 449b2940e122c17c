/** containerd as three Debian releases carry it, side by side, whatever the machine itself has installed. */
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";
import { openDebianArchive, ownArchives, type DebianArchive } from "./debian-archive.ts";

export const containerdLines = ["1.6", "1.7", "2.1"] as const;
export type ContainerdLine = (typeof containerdLines)[number];

/**
 * The suites that have (or had) a line. Suites under development move on; then an archive of the past has it, see
 * `archiveVariable`. Revisions of Debian's own may differ from run to run, the upstream version may not.
 */
const releases: Readonly<Record<ContainerdLine, { readonly upstream: string; readonly suite: string }>> = {
  "1.6": { upstream: "1.6.20", suite: "bookworm" },
  "1.7": { upstream: "1.7.24", suite: "trixie" },
  "2.1": { upstream: "2.1.9", suite: "forky" },
};
/** Environment variable: address of an archive of Debian that is asked after the machine's own. */
export const archiveVariable = "NODELATCH_DEBIAN_ARCHIVE";

export interface ContainerdBinaries {
  readonly line: ContainerdLine;
  /** Debian's version of the package. */
  readonly version: string;
  /** Holds containerd, its shim and ctr. */
  readonly folder: string;
}

export interface LinesContext {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Finds every line in the cache, or fetches it. @throws Error naming the line that can't be had. */
export async function ensureContainerdLines(context: LinesContext): Promise<void> {
  const missing: ContainerdLine[] = [];
  for (const line of containerdLines) if (!(await exists(lineFolder(line)))) missing.push(line);
  if (missing.length > 0) await fetchLines(missing, context);
}

/** A line that was fetched. @throws Error if it was not. */
export async function containerdBinaries(line: ContainerdLine): Promise<ContainerdBinaries> {
  const root = lineFolder(line);
  try {
    const version = (await readFile(join(root, "version"), "utf8")).trim();
    return { line, version, folder: join(root, "usr", "bin") };
  } catch (cause) {
    throw new Error(`containerd ${line} is not in ${root}: npm run test:node fetches it`, { cause });
  }
}

async function fetchLines(lines: readonly ContainerdLine[], context: LinesContext): Promise<void> {
  const parent = join(cacheFolder(process.env, homedir()), "programs");
  await mkdir(parent, { recursive: true });
  let left = lines;
  const failures: unknown[] = [];
  const more = process.env[archiveVariable];
  const urls = [...(await ownArchives(context.signal)), ...(more === undefined ? [] : [more])];
  for (const url of urls) {
    context.log(`fetching containerd ${left.join(", ")} from ${url}`);
    try {
      left = await fetchFrom(url, left, parent, context.signal);
    } catch (error) {
      failures.push(error);
    }
    if (left.length === 0) return;
  }
  const wanted = left.map((line) => `${releases[line].upstream} (Debian ${releases[line].suite})`).join(", ");
  const why = failures.map(String).join("; ") || "the suites have other versions now";
  throw new Error(
    `containerd ${wanted} can't be had from ${urls.join(" or ")}: ${why}; set ${archiveVariable} to an archive that has it`,
  );
}

/** The lines that this archive does not have. */
async function fetchFrom(
  url: string,
  lines: readonly ContainerdLine[],
  parent: string,
  signal: AbortSignal,
): Promise<readonly ContainerdLine[]> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-apt-"));
  try {
    const suites = lines.map((line) => releases[line].suite);
    const archive = await openDebianArchive({ url, suites, folder, signal });
    const versions = await archive.versions("containerd");
    const missing: ContainerdLine[] = [];
    for (const line of lines) {
      const version = newestOf(releases[line].upstream, versions);
      if (version === undefined) missing.push(line);
      else await keep(line, version, archive, parent);
    }
    return missing;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `versions` as apt lists them, the newest first. Debian writes 1.7.24~ds1-6, 2.1.9+ds1-5. */
export function newestOf(upstream: string, versions: readonly string[]): string | undefined {
  return versions.find(
    (version) => /^[~+-]/.test(version.slice(upstream.length)) && version.startsWith(upstream),
  );
}

/** The folder appears whole; when another run was first, its folder is as good. */
async function keep(
  line: ContainerdLine,
  version: string,
  archive: DebianArchive,
  parent: string,
): Promise<void> {
  const unfinished = await mkdtemp(join(parent, ".unpacking-"));
  try {
    await archive.unpack("containerd", version, unfinished);
    for (const program of ["containerd", "containerd-shim-runc-v2", "ctr"]) {
      await access(join(unfinished, "usr", "bin", program));
    }
    await writeFile(join(unfinished, "version"), `${version}\n`);
    await rename(unfinished, lineFolder(line));
  } catch (error) {
    if (!(await exists(lineFolder(line)))) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

function lineFolder(line: ContainerdLine): string {
  const key = createHash("sha256").update(JSON.stringify([releases[line], process.arch]));
  const name = `containerd-${line}-${key.digest("hex").slice(0, 16)}`;
  return join(cacheFolder(process.env, homedir()), "programs", name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
