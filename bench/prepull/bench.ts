/** `npm run bench -- prepull`: what it costs to have new ImagePrePullJobs judged, and jobs for very many nodes. */
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { advise } from "../../prepull/advice.ts";
import { checkSpec } from "../../prepull/spec.ts";
import { ensurePrograms } from "../../test/cluster/programs/build.ts";
import { cacheFolder } from "../../test/cluster/programs/cache-folder.ts";
import { jobReviewBody, jobWith } from "../../webhook/testing/job-review.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import type { RoundLatencies } from "../figures/added.ts";
import { shuffled } from "../figures/shuffle.ts";
import { closedLoop, type Requests } from "../load/closed-loop.ts";
import type { Connection } from "../load/connection.ts";
import { withPrograms } from "../process/running.ts";
import { residentMebibytes } from "../process/usage.ts";
import { ANSWERERS } from "./answerers.ts";
import { manyFacts, NODES } from "./cluster-nodes.ts";
import { goodJobs, nodeNames } from "./jobs.ts";
import { reportOf } from "./report.ts";
import { setStage, type Stage } from "./stage.ts";

const ROUNDS = 15;
/** Of each answerer in each round. */
const REQUESTS = 80;
const WARM_UP_REQUESTS = 600;
const LARGE_REQUESTS = 400;
const ADVICES = 500;
/** Nothing measured starts later. */
const MOST_MILLIS = 60_000;

export const prepullBench: Bench = {
  name: "prepull",
  about: "latency added per created ImagePrePullJob, against a ValidatingAdmissionPolicy (about 40 s)",
  run,
};

async function run(context: BenchContext): Promise<BenchReport> {
  const { log, signal } = context;
  const modulesFolder = fileURLToPath(new URL("../../test/cluster/programs", import.meta.url));
  const built = await ensurePrograms({
    cacheFolder: cacheFolder(process.env, homedir()),
    modulesFolder,
    log,
    signal,
  });
  const [etcd, apiServer] = [built.get("etcd"), built.get("kube-apiserver")];
  if (etcd === undefined || apiServer === undefined) throw new Error("no etcd or kube-apiserver");
  return withPrograms(async (running) => {
    log(`starting etcd, kube-apiserver and the webhook; creating ${NODES} nodes`);
    const stage = await setStage(running, { etcd, apiServer }, signal);
    try {
      return await running.during(measure(stage, context));
    } finally {
      stage.close();
    }
  });
}

async function measure(
  { connection, direct, webhook }: Stage,
  { log, signal }: BenchContext,
): Promise<BenchReport> {
  const loop = async (over: Connection, requests: Requests, mostRequests: number) => {
    const limits = { mostRequests, mostMillis: MOST_MILLIS, signal };
    return (await closedLoop([{ connection: over, requests }], limits)).latenciesMillis;
  };
  log("warming up");
  const contenders = ANSWERERS.map(({ name }) => ({ name, requests: goodJobs(name) }));
  for (const { requests } of contenders) await loop(connection, requests, WARM_UP_REQUESTS);
  const rounds: RoundLatencies[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const latencies = new Map<string, readonly number[]>();
    for (const { name, requests } of shuffled(contenders, Math.random)) {
      latencies.set(name, await loop(connection, requests, REQUESTS));
    }
    rounds.push(latencies);
    log(`round ${round + 1} of ${ROUNDS}`);
  }
  const large = largeReview();
  await loop(direct, large, LARGE_REQUESTS / 4);
  const latenciesMillis = await loop(direct, large, LARGE_REQUESTS);
  return reportOf({
    rounds,
    large: { latenciesMillis, bytes: large.next().byteLength },
    advice: adviceTimes(),
    resident: await residentMebibytes(webhook.program.pid),
  });
}

/** A review of a good job for every node, as the API server would send it. */
function largeReview(): Requests {
  const body = jobReviewBody(jobWith({ nodeNames: nodeNames(NODES), timeoutSeconds: 150_000 }));
  const head = [
    "POST /prepull?timeout=3s HTTP/1.1",
    "Host: nodelatch-webhook.nodelatch-system.svc",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
  return {
    next: () => bytes,
    check({ status, body: answer }) {
      if (status === 200 && answer.includes('"allowed":true')) return;
      throw new Error(
        `a large job: expected to be allowed, got ${status}: ${answer.toString("utf8", 0, 600)}`,
      );
    },
  };
}

/** Milliseconds of single calls, warmed up. */
function adviceTimes() {
  const facts = manyFacts();
  const selector = { matchLabels: { "site.example.com/label-3": "value-12" }, matchExpressions: EXPRESSIONS };
  const time = (targets: object): readonly number[] => {
    const { template } = checkSpec({
      imagePrePullTemplate: { images: ["nginx:1.27"], timeoutSeconds: 300, ...targets },
    });
    if (template === undefined) throw new Error("the bench's own spec is not valid");
    return Array.from({ length: 2 * ADVICES }, () => {
      const beganMillis = performance.now();
      advise(template, facts);
      return performance.now() - beganMillis;
    }).slice(ADVICES);
  };
  return { selector: time({ labelSelector: selector }), names: time({ nodeNames: nodeNames(NODES) }) };
}

const EXPRESSIONS = [
  { key: "site.example.com/label-1", operator: "NotIn", values: ["value-1", "value-2", "value-3"] },
  { key: "site.example.com/label-2", operator: "Exists" },
  { key: "site.example.com/none", operator: "DoesNotExist" },
];
