import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../process/run.ts";

/** What a Debian package must have put on this machine. */
export interface Part {
  readonly package: string;
  /** Absolute path of any file, or a program's name to be found in the usual folders. */
  readonly file: string;
}

export const clusterParts: readonly Part[] = [
  { package: "containerd", file: "containerd" },
  { package: "containerd", file: "ctr" },
  { package: "runc", file: "runc" },
  { package: "containernetworking-plugins", file: "/usr/lib/cni/bridge" },
  { package: "iptables", file: "iptables" },
  { package: "nftables", file: "nft" },
  { package: "conntrack", file: "conntrack" },
  { package: "busybox-static", file: "/bin/busybox" },
  { package: "iproute2", file: "ip" },
  { package: "util-linux", file: "unshare" },
  { package: "util-linux", file: "nsenter" },
  { package: "mount", file: "mount" },
  { package: "openssl", file: "openssl" },
  { package: "faketime", file: "faketime" },
  { package: "tar", file: "tar" },
];

const programFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
const installTimeoutMillis = 10 * 60_000;

export interface PackageContext {
  /** Whoever needs the parts, in messages: "the test cluster". */
  readonly needer: string;
  readonly parts: readonly Part[];
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Installs the missing Debian packages with apt-get. Throws a sentence naming the parts that can't be had. */
export async function ensurePackages(context: PackageContext): Promise<void> {
  const missing = await missingParts(context.parts);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((part) => part.package))];
  context.log(`installing Debian packages: ${packages.join(" ")}`);
  const failure = await install(packages, context.signal);
  const still = await missingParts(context.parts);
  if (still.length === 0) return;
  const names = still.map((part) => `${part.file} (Debian package ${part.package})`).join(", ");
  throw new Error(
    `${context.needer} needs ${names}, and apt-get did not bring them: ${failure ?? "no error"}`,
  );
}

/** The error text of apt-get, if it failed. */
async function install(packages: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  // RUNLEVEL=1 keeps the packages from starting services: the tests start their own.
  const options = {
    env: { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    timeoutMillis: installTimeoutMillis,
    signal,
  };
  try {
    const lists = await run(["apt-get", "update", "-qq"], options);
    if (lists.code !== 0) return lists.stderr.trim();
    const done = await run(
      ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages],
      options,
    );
    return done.code === 0 ? undefined : done.stderr.trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function missingParts(parts: readonly Part[]): Promise<readonly Part[]> {
  const found = await Promise.all(parts.map(async (part) => isPresent(part.file)));
  return parts.filter((_, index) => found[index] !== true);
}

async function isPresent(file: string): Promise<boolean> {
  const candidates = file.startsWith("/") ? [file] : programFolders.map((folder) => join(folder, file));
  const mode = file.startsWith("/") ? constants.F_OK : constants.X_OK;
  const answers = await Promise.all(
    candidates.map(async (path) =>
      access(path, mode).then(
        () => true,
        () => false,
      ),
    ),
  );
  return answers.includes(true);
}
