/** Builds the Go reference, once for each state of its sources, and keeps it beside the other built programs. */
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runOrThrow } from "../../test/cluster/process/run.ts";

export interface GoBuildContext {
  /** Folder outside the checkout that keeps built programs. */
  readonly cacheFolder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

const SOURCES = ["go.mod", "go.sum", "main.go"] as const;
const PROGRAM = "go-webhook";
const BUILD_TIMEOUT_MILLIS = 10 * 60_000;

/** Returns the path of the program. @throws Error with go's own words if it can't be built. */
export async function ensureGoWebhook(context: GoBuildContext): Promise<string> {
  const { cacheFolder, log, signal } = context;
  const { stdout: goVersion } = await runOrThrow(["go", "env", "GOVERSION"], {
    timeoutMillis: 60_000,
    signal,
  });
  const parent = join(cacheFolder, "programs");
  const program = join(parent, `${PROGRAM}-${await sourceKey(import.meta.dirname, goVersion.trim())}`);
  if (await exists(program)) return program;
  log(`building the Go webhook (about a minute the first time)`);
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, `.building-${PROGRAM}-`));
  try {
    const built = join(unfinished, PROGRAM);
    await runOrThrow(["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built, "."], {
      cwd: import.meta.dirname,
      env: { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-buildvcs=false -mod=readonly" },
      timeoutMillis: BUILD_TIMEOUT_MILLIS,
      signal,
    });
    await rename(built, program);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return program;
}

/** Changes with everything that goes into the program. */
export async function sourceKey(folder: string, goVersion: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of SOURCES) {
    const content = await readFile(join(folder, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  hash.update(`${goVersion} ${process.platform} ${process.arch}`);
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
