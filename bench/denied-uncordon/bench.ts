/** `npm run bench -- denied-uncordon`: what it costs a real kube-apiserver to have a stranger's uncordon refused. */
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { ensurePrograms } from "../../test/cluster/programs/build.ts";
import { cacheFolder } from "../../test/cluster/programs/cache-folder.ts";
import type { ProgramName } from "../../test/cluster/programs/recipe.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { shuffled } from "../figures/shuffle.ts";
import { ensureGoWebhook } from "../go-webhook/build.ts";
import { withPrograms } from "../process/running.ts";
import { residentMebibytes } from "../process/usage.ts";
import { ANSWERERS, type Answerer, type AnswererName } from "./answerers.ts";
import { CONCURRENCIES, reportOf } from "./report.ts";
import { measureTurn, type Contender, type Turn } from "./round.ts";
import { checkCalls } from "./calls.ts";
import { setStage, type Stage, type StagePrograms } from "./stage.ts";
import { uncordonRequests } from "./uncordon.ts";
import type { MeasuredWebhook, WebhookPair } from "./webhooks.ts";

const MOST_ROUNDS = 30;
const LEAST_ROUNDS = 8;
/** No round begins later, except for the least of them: a busy machine gets fewer rounds, not a longer run. */
const MOST_MILLIS = 4 * 60_000;
const NODE_BYTES = 20_000;
const CONNECTIONS = 16;
/** Of one turn, by concurrency. */
const REQUESTS = { 1: 80, 16: 240 } as const;
/** Of each answerer: until V8 and the API server's caches have settled. */
const WARM_UP_REQUESTS = 1_500;

export const deniedUncordonBench: Bench = {
  name: "denied-uncordon",
  about: "latency that a refusal adds on a real kube-apiserver, against a Go webhook (about 5 minutes)",
  run,
};

async function run(context: BenchContext): Promise<BenchReport> {
  const programs = await findPrograms(context);
  return withPrograms(async (running) => {
    context.log("starting etcd, kube-apiserver and the webhooks");
    const { signal } = context;
    const options = { connections: CONNECTIONS, nodeBytes: NODE_BYTES, signal };
    const stage = await setStage(running, programs, options);
    try {
      return await running.during(measure(stage, context));
    } finally {
      stage.close();
    }
  });
}

async function findPrograms({ log, signal }: BenchContext): Promise<StagePrograms> {
  const cache = cacheFolder(process.env, homedir());
  const modulesFolder = fileURLToPath(new URL("../../test/cluster/programs", import.meta.url));
  const built = await ensurePrograms({ cacheFolder: cache, modulesFolder, log, signal });
  const pathOf = (name: ProgramName): string => {
    const path = built.get(name);
    if (path === undefined) throw new Error(`no program ${name}`);
    return path;
  };
  const goWebhook = await ensureGoWebhook({ cacheFolder: cache, log, signal });
  return { etcd: pathOf("etcd"), apiServer: pathOf("kube-apiserver"), goWebhook };
}

async function measure(stage: Stage, { log, signal }: BenchContext): Promise<BenchReport> {
  const contenders = ANSWERERS.map((answerer) => contenderOf(answerer, stage));
  const sent = new Map<Answerer, number>();
  const count = ({ answerer, latenciesMillis }: Turn): void => {
    for (const each of ANSWERERS) {
      if (each.name === answerer) sent.set(each, (sent.get(each) ?? 0) + latenciesMillis.length);
    }
  };
  const before = await stage.calls();
  log(`a node has ${stage.nodeBytes} bytes; warming up`);
  for (const contender of contenders) {
    count(await measureTurn(contender, { concurrency: CONNECTIONS, requests: WARM_UP_REQUESTS, signal }));
  }
  const rounds: Turn[][] = [];
  const beganMillis = performance.now();
  const mayGoOn = (): boolean =>
    rounds.length < LEAST_ROUNDS || performance.now() - beganMillis < MOST_MILLIS;
  while (rounds.length < MOST_ROUNDS && mayGoOn()) {
    const turns: Turn[] = [];
    for (const concurrency of CONCURRENCIES) {
      const limits = { concurrency, requests: REQUESTS[concurrency], signal };
      for (const contender of shuffled(contenders, Math.random)) {
        turns.push(await measureTurn(contender, limits));
      }
    }
    turns.forEach(count);
    rounds.push(turns);
    log(`round ${rounds.length} of ${MOST_ROUNDS}`);
  }
  // No answer was a cached or a second-hand one: the API server made every call, and no other.
  checkCalls(before, await stage.calls(), sent);
  const { nodelatch, go } = stage.webhooks;
  const resident = {
    nodelatch: await residentMebibytes(nodelatch.program.pid),
    go: await residentMebibytes(go.program.pid),
  };
  return reportOf(rounds, { nodeBytes: stage.nodeBytes, resident });
}

function contenderOf(answerer: Answerer, { connections, webhooks }: Stage): Contender {
  const clients = connections.map((connection) => ({
    connection,
    requests: uncordonRequests(answerer, { dryRun: false }),
  }));
  return { name: answerer.name, clients, webhook: webhookOf(answerer.name, webhooks) };
}

function webhookOf(name: AnswererName, { nodelatch, go }: WebhookPair): MeasuredWebhook | undefined {
  if (name === "nodelatch" || name === "nodelatch-guard") return nodelatch;
  return name === "go" || name === "go-guard" ? go : undefined;
}
