/** `npm run bench -- gate`: how long `/run/nodelatch/verify` takes to answer, with a healthy API server. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { makeGate } from "../../daemonset/gate/gate.ts";
import { readBootID } from "../../daemonset/host/boot/boot-id.ts";
import { realTime } from "../../daemonset/host/time.ts";
import { connectGateApi } from "../../daemonset/kube-api.ts";
import { askGate } from "../../kube/gate-facts.ts";
import { connectKubeconfig } from "../../kube/lean/connect.ts";
import { lockRecord } from "../../lock/fixture.ts";
import { writeRecord } from "../../lock/record.ts";
import { createApiClient, type ApiClient } from "../../test/scenarios/api-client.ts";
import { readKubeconfig } from "../../test/scenarios/kubeconfig.ts";
import { MASTERS } from "../../test/simulated/access/user.ts";
import { startApiServer } from "../../test/simulated/api-server.ts";
import { nodeFixture } from "../../test/simulated/node-fixture.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { quantile, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";

export const gateBench: Bench = {
  name: "gate",
  about: "time of /run/nodelatch/verify from start to exit, against its requests alone (about 40 s)",
  run,
};

const NODE = "n1";
const PODS = 110;
const WARM = 10;
const ROUNDS = 300;

async function run({ log, signal }: BenchContext): Promise<BenchReport> {
  // In memory, as /run is: an answer is fsynced.
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "nodelatch-bench-gate-"));
  const api = await startApiServer({ users: [{ username: "agent", groups: [MASTERS], token: "t" }] });
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, api.kubeconfig("agent"), { mode: 0o600 });
  const client = createApiClient(await readKubeconfig(kubeconfig));
  const kube = await connectKubeconfig(kubeconfig);
  const runDir = join(folder, "run");
  const gate = makeGate({
    runDir,
    hostRoot: "/",
    connect: async () => connectGateApi({ env: {}, kubeconfig, nodeName: NODE }),
    readBootID,
    offer: () => {},
    time: realTime,
    log: pino({ level: "silent" }),
  });
  const ended = gate.run(stop);
  try {
    const bootID = await prepare(client);
    while (gate.state().kind !== "serving") await delay(10, undefined, { signal });
    const [verify, requests]: [number[], number[]] = [[], []];
    const question = { nodeName: NODE, runningBootID: bootID, wallMillis: () => Date.now(), signal };
    for (let round = -WARM; round < ROUNDS; round += 1) {
      const [asked, plain] = [
        await timed(async () => ask(join(runDir, "verify"))),
        await timed(async () => mustBeOpen((await askGate(kube, question)).kind)),
      ];
      if (round < 0) continue;
      verify.push(asked);
      requests.push(plain);
    }
    log(`${ROUNDS} questions, each answered open; ${PODS} pods of a DaemonSet on the node`);
    return reportOf(verify, requests);
  } finally {
    over.abort();
    await ended;
    await kube.close();
    client.close();
    await api.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A node that may reboot, full of pods that may stay. Gives the running boot's ID. */
async function prepare(client: ApiClient): Promise<string> {
  const bootID = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const created = await client.send({
    method: "POST",
    path: "/api/v1/nodes",
    body: nodeFixture({ name: NODE, unschedulable: true, bootID, images: 50 }),
  });
  const uid = /"uid":"([^"]+)"/.exec(JSON.stringify(created.body))?.[1] ?? "";
  const lock = writeRecord(lockRecord({ nodeUID: uid, bootID }));
  await client.send({
    method: "PATCH",
    path: `/api/v1/nodes/${NODE}`,
    contentType: "application/merge-patch+json",
    body: { metadata: { annotations: { "nodelatch.io/reboot-lock": lock } } },
  });
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "d", controller: true };
  for (let index = 0; index < PODS; index += 1) {
    const answer = await client.send({
      method: "POST",
      path: "/api/v1/namespaces/default/pods",
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `p-${index}`,
          ownerReferences: [owner],
          annotations: { padding: "x".repeat(4_000) },
        },
        spec: { nodeName: NODE, containers: [{ name: "c", image: "i" }] },
        status: { phase: "Running" },
      },
    });
    if (answer.status !== 201) throw new Error(`create a pod: ${JSON.stringify(answer.body)}`);
  }
  return bootID;
}

async function ask(script: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile("/bin/sh", [script], (error, _out, err) =>
      error === null ? resolve() : reject(new Error(err)),
    );
  });
}

function mustBeOpen(kind: string): void {
  if (kind !== "open") throw new Error(`the gate is ${kind}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function reportOf(verify: readonly number[], requests: readonly number[]): BenchReport {
  const row = (title: string, samples: readonly number[]): string[] => [
    title,
    ...[0.5, 0.9, 0.99, 1].map((part) => quantile(samples, part).toFixed(1)),
  ];
  const [ours, reference] = [quantile(verify, 0.99), quantile(requests, 0.99)];
  return {
    text: renderTable(
      ["ms", "p50", "p90", "p99", "max"],
      [row("/bin/sh /run/nodelatch/verify", verify), row("its three requests alone", requests)],
    ),
    result: {
      name: "gate",
      ratio: rounded(ours / reference),
      ours: rounded(ours),
      reference: rounded(reference),
      unit: "ms, p99",
      n: verify.length,
      p50: rounded(quantile(verify, 0.5)),
    },
  };
}
