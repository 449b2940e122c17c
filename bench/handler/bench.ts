/** `npm run bench -- handler`: requests per second of the guard against a bare node:https, one core for the server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { moveToCore, onCore, twoCores } from "../process/cores.ts";
import { startMeasuredServer, type MeasuredServer } from "../process/measured-server.ts";
import { residentMebibytes } from "../process/usage.ts";
import { writeServingFiles } from "../servers/serving-files.ts";
import { bundleServer } from "../servers/bundle-server.ts";
import { reportOf } from "./report.ts";
import { measureRound, openSide, type Round, type Side } from "./round.ts";

/** The reference comes first, ours second. */
export type SideName = "bare" | "nodelatch";

export const CONCURRENCIES = [1, 16] as const;
const ROUNDS = 12;
const ROUND_MILLIS = 1_000;
const WARM_UP_MILLIS = 3_000;
const REVIEW_BYTES = 20_000;
const HOST = "127.0.0.1";

export const handlerBench: Bench = {
  name: "handler",
  about: "requests per second of the guard over TLS, against a bare node:https (about 70 s)",
  run,
};

async function run(context: BenchContext): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-bench-"));
  const servers: MeasuredServer[] = [];
  try {
    const [serverCore, loadCore] = await twoCores();
    const ca = await writeServingFiles(folder, ["localhost", HOST]);
    for (const [name, file] of await programs(folder)) {
      const argv = onCore(serverCore, [process.execPath, file, HOST, folder]);
      servers.push(await startMeasuredServer({ name, argv, logFile: "/dev/null", signal: context.signal }));
    }
    await moveToCore(loadCore);
    return await measure(servers, ca, context);
  } finally {
    // One that ended by itself has made a request fail before; the rest must still be ended.
    await Promise.allSettled(servers.map(async (server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Both bundled as the product is, so that neither pays for type stripping. */
async function programs(folder: string): Promise<ReadonlyMap<SideName, string>> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  return new Map<SideName, string>([
    ["bare", await bundleServer(root, "bare", folder)],
    ["nodelatch", await bundleServer(root, "nodelatch", folder)],
  ]);
}

async function measure(
  servers: readonly MeasuredServer[],
  ca: string,
  { log, signal }: BenchContext,
): Promise<BenchReport> {
  const rounds: Round[] = [];
  const open: Side[] = [];
  try {
    for (const server of servers) {
      open.push(await openSide(server, { host: HOST, ca, connections: 16, reviewBytes: REVIEW_BYTES }));
    }
    log(`one review is ${open[0]?.reviewBytes ?? 0} bytes; warming up`);
    for (const side of open) await measureRound(side, 16, WARM_UP_MILLIS, signal);
    for (let index = 0; index < ROUNDS; index += 1) {
      // Turned around each time, so that whatever drifts drifts for both.
      const order = index % 2 === 0 ? open : open.toReversed();
      for (const concurrency of CONCURRENCIES) {
        for (const side of order) rounds.push(await measureRound(side, concurrency, ROUND_MILLIS, signal));
      }
      log(`round ${index + 1} of ${ROUNDS}`);
    }
    const resident = new Map<string, number>();
    for (const { name, pid } of servers) resident.set(name, await residentMebibytes(pid));
    return reportOf(rounds, resident);
  } finally {
    for (const side of open) side.close();
  }
}
