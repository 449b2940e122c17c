/**
 * Packages of Debian releases other than the machine's own, through apt with lists, cache and sources of its own: every
 * package is checked against the release's signature, and nothing of the machine's is touched.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, runOrThrow, type RunOptions } from "../process/run.ts";

export interface DebianArchive {
  /** Versions of a package that the suites have. */
  versions(name: string): Promise<readonly string[]>;
  /** Unpacks one version of a package into a new folder; its dependencies are not looked at. */
  unpack(name: string, version: string, into: string): Promise<void>;
}

export interface DebianArchiveOptions {
  /** Where the suites are: what a line of sources.list has before the suite. */
  readonly url: string;
  readonly suites: readonly string[];
  /** A folder for lists and packages; gone when it is removed. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Debian's own keys, of package debian-archive-keyring. */
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const timeoutMillis = 5 * 60_000;

/** Where the machine's own packages come from, without archives of security updates, which have no other suites. */
export async function ownArchives(signal: AbortSignal): Promise<readonly string[]> {
  const argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)"] as const;
  const { stdout } = await runOrThrow(argv, { timeoutMillis, signal });
  const urls = [...new Set(stdout.split("\n"))].filter((url) => url !== "" && !url.includes("security"));
  if (urls.length === 0) throw new Error("apt names no archive on this machine: see /etc/apt/sources.list.d");
  return urls;
}

/** @throws Error with apt's own words if a suite can't be had. */
export async function openDebianArchive(options: DebianArchiveOptions): Promise<DebianArchive> {
  const { folder, signal } = options;
  const configFile = join(folder, "apt.conf");
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "archives", "partial"), { recursive: true });
  await writeFile(configFile, await aptConfig(folder, signal));
  // An archive of the past says of its lists that they are too old; the versions that are wanted are old as well.
  const source = `deb [signed-by=${keyring} check-valid-until=no] ${options.url}`;
  const sources = options.suites.map((suite) => `${source} ${suite} main\n`);
  await writeFile(join(folder, "sources.list"), sources.join(""));
  await writeFile(join(folder, "status"), "");
  const running: RunOptions = { env: { APT_CONFIG: configFile, LC_ALL: "C" }, timeoutMillis, signal };
  // Without this a suite that can't be reached is a mere warning.
  await runOrThrow(["apt-get", "update", "-qq", "--error-on=any"], running);

  return {
    async versions(name) {
      const { stdout } = await runOrThrow(["apt-cache", "madison", name], running);
      const rows = stdout.split("\n").map((row) => row.split("|").map((cell) => cell.trim()));
      return [...new Set(rows.flatMap(([, version]) => (version === undefined ? [] : [version])))];
    },
    async unpack(name, version, into) {
      const cwd = join(folder, "archives", `${name}-${version}`);
      await mkdir(cwd);
      await runOrThrow(["apt-get", "download", "-qq", `${name}=${version}`], { ...running, cwd });
      const [file, ...more] = await readdir(cwd);
      if (file === undefined || more.length > 0) throw new Error(`apt-get download ${name} left no one file`);
      await runOrThrow(["dpkg-deb", "--extract", join(cwd, file), into], { timeoutMillis, signal });
    },
  };
}

/** The machine's own way to the network (proxies and the like), and nothing else of its settings: no hooks, no pins. */
async function aptConfig(folder: string, signal: AbortSignal): Promise<string> {
  const dump = await run(["apt-config", "dump", "--format", '%F "%v";%n', "Acquire"], {
    timeoutMillis,
    signal,
  });
  const network = dump.stdout.split("\n").filter((line) => !line.startsWith("Acquire::IndexTargets"));
  return [
    ...network,
    'Acquire::Languages "none";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
    'APT::Sandbox::User "root";',
    `Dir::State "${folder}";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}";`,
    `Dir::Etc::sourcelist "${folder}/sources.list";`,
    ...["sourceparts", "preferencesparts", "parts", "main", "preferences"].map(
      (part) => `Dir::Etc::${part} "/dev/null";`,
    ),
    "",
  ].join("\n");
}
