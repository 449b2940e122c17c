/** Puts the agent together and runs it until it is told to stop. The real world comes in from main.ts. */
import { join } from "node:path";
import type { Logger } from "pino";
import { createProbeServer } from "../program/probes.ts";
import { lookAtBoot, type Boot } from "./boot.ts";
import { liveChecks, readyChecks } from "./checks.ts";
import { containersSettings, ownPod, type Config } from "./config.ts";
import { makeCniFollowUp, type CniFollowUp } from "./cni-follow-up.ts";
import { bothEnds, cniAfter } from "./cni-schedule.ts";
import { makeCniParts } from "./cni-parts.ts";
import type { CniWorker } from "./cni/worker.ts";
import { eventsOf } from "./containers/announce.ts";
import { Diagnoses } from "./containers/diagnose.ts";
import { makeGate } from "./gate/gate.ts";
import type { GateServer } from "./gate/server.ts";
import { readEdgeTaskManager } from "./edge-switch.ts";
import { followUp } from "./findings.ts";
import type { BootIDRead } from "./host/boot/boot-id.ts";
import {
  emptyHostRecord,
  HOST_RECORD_VERSION,
  parseHostRecord,
  type HostRecord,
} from "./host/journal/host-record.ts";
import { openJournal, type Journal } from "./host/journal/journal.ts";
import { makeNetworkWatch, type NetworkWatch } from "./host/network/watch.ts";
import { makeShutdownGuard, type ShutdownGuard } from "./host/shutdown/guard.ts";
import { createAgentMetrics, type AgentMetrics } from "./metrics.ts";
import { makePasses, type PassEnd, type Passes } from "./passes.ts";
import { keepProbePort } from "./probe-port.ts";
import { makePublisher, type Publisher } from "./publisher.ts";
import { dockerSocket } from "./runtime/detect/endpoint.ts";
import { watchRuntimes, type RuntimeWatch } from "./runtime/detect/watch.ts";
import { runSchedule } from "./schedule.ts";
import type { AgentView } from "./view.ts";
import type { AgentWorld } from "./world.ts";

export interface AgentOptions {
  readonly config: Config;
  readonly world: AgentWorld;
  readonly log: Logger;
  readonly version: string;
  /** A SIGTERM came: cleans up if the node is going down, then ends. */
  readonly term: AbortSignal;
  /** Ends at once, whatever is under way. */
  readonly hurry: AbortSignal;
}

/** For what follows a pass over CNI state: a pass ends soon after its budget. */
const CNI_SLACK_MILLIS = 30_000;
/** A disk that hangs must not keep the agent. */
const FLUSH_MILLIS = 2_000;

interface Parts {
  readonly journal: Journal<HostRecord>;
  readonly boot: Boot;
  readonly watch: RuntimeWatch;
  readonly network: NetworkWatch;
  readonly publisher: Publisher | undefined;
  readonly diagnoses: Diagnoses;
  readonly passes: Passes;
  readonly cni: { readonly worker: CniWorker; readonly followUp: CniFollowUp };
  readonly guard: ShutdownGuard | undefined;
  /** Undefined where the API is switched off. */
  readonly gate: GateServer | undefined;
}

/** Resolves when the agent has ended in order. Nothing that is missing ends it. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, world, log, term, hurry } = options;
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, hurry]);
  const metrics = createAgentMetrics(options.version);
  const parts = await assemble(options, metrics, ended);
  const dog = watchdog(options);
  const view = viewOf(options, parts, dog.lateMillis);
  metrics.show(view);
  const probes = createProbeServer({
    live: liveChecks(view),
    ready: readyChecks(view),
    registry: metrics.registry,
    log,
  });
  const host = config.bindAddress === "::" ? undefined : config.bindAddress;
  const working = Promise.all([
    keepProbePort({ server: probes, port: config.probePort, host, time: world.time, log }, ended),
    parts.network.run(ended),
    parts.guard?.run(ended),
    parts.publisher?.run(ended),
    parts.gate?.run(ended),
    parts.watch.ended,
    runSchedule(
      {
        isNewBoot: parts.boot.isNew,
        pass: async (phase) => {
          const signal = AbortSignal.any([term, ended]);
          // It may have to wait for the end of a shutdown's pass.
          dog.dueWithin(config.passBudgetMillis + config.shutdownBudgetMillis);
          const end = await parts.passes.run(phase, signal);
          dog.dueWithin(config.passBudgetMillis + CNI_SLACK_MILLIS);
          return bothEnds(end, await cniAfter(end, parts.cni.worker, signal));
        },
        onBootDone: async () => parts.boot.done(),
        onStep: dog.dueWithin,
        runtimesChanged: changes(parts.watch),
        steadyIntervalMillis: config.steadyIntervalMillis,
        steadyGraceMillis: config.steadyGraceMillis,
        time: world.time,
      },
      AbortSignal.any([term, ended]),
    ),
  ]);
  await aborted(AbortSignal.any([term, hurry]));
  if (!hurry.aborted && parts.guard !== undefined) {
    await Promise.race([parts.guard.onTerm(), aborted(hurry)]);
  }
  over.abort(new Error("the agent ends"));
  await working;
  await Promise.race([parts.journal.flush(), world.time.sleep(FLUSH_MILLIS)]);
  log.info("ended");
}

async function assemble(options: AgentOptions, metrics: AgentMetrics, ended: AbortSignal): Promise<Parts> {
  const { config, world, log } = options;
  const { time } = world;
  const journal = await openJournal<HostRecord>({
    path: join(config.stateDir, "journal.json"),
    version: HOST_RECORD_VERSION,
    parse: parseHostRecord,
    empty: emptyHostRecord,
    time,
    log,
    signal: ended,
  });
  const bootID = await world.readBootID();
  const boot = await lookAtBoot(config.runDir, bootID, journal, log);
  const watch = watchNode(config, world, ended);
  const network = makeNetworkWatch({
    interfaces: world.interfaces,
    routes: world.routes,
    last: journal.current().lastAddress,
    onAddress: (lastAddress) => journal.update((record) => ({ ...record, lastAddress })),
    time,
    log,
  });
  const publisher =
    config.api === "off"
      ? undefined
      : makePublisher({ connect: world.connectApi, onResult: (result) => metrics.event(result), time, log });
  const diagnoses = new Diagnoses();
  const passes = makePasses({
    ...passParts(config, world, log),
    ports: { ...passPorts(world, log), metrics: metrics.containers },
    watch,
    onEnd: async (end) => {
      metrics.passed(end);
      await afterPass(end, options, diagnoses, publisher, ended);
    },
  });
  const guard = config.shutdownPass === "off" ? undefined : makeGuard(options, passes, ended);
  const cni = await assembleCni(options, bootID, watch, publisher, metrics);
  const gate = publisher === undefined ? undefined : makeAgentGate(options, publisher);
  return { journal, boot, watch, network, publisher, diagnoses, passes, cni, guard, gate };
}

async function assembleCni(
  { config, world, log }: AgentOptions,
  bootID: BootIDRead,
  watch: RuntimeWatch,
  publisher: Publisher | undefined,
  metrics: AgentMetrics,
): Promise<Parts["cni"]> {
  const followUp = makeCniFollowUp({
    runDir: config.runDir,
    bootID,
    publisher,
    onEnd: (end) => metrics.cniPassed(end),
    readEdgeTaskManager: async () => readEdgeTaskManager(config.hostRoot, world.kubeletFiles.edgecoreConfigs),
    monotonicMillis: () => world.time.monotonicMillis(),
    log,
  });
  const { worker } = await makeCniParts({
    config,
    world,
    log,
    watch,
    bootID,
    acts: true,
    api: () => publisher?.state(),
    onEnd: async (end) => followUp.after(end),
  });
  return { worker, followUp };
}

/** Runtimes as settings and the node's own files name them. */
export function watchNode(config: Config, world: AgentWorld, signal: AbortSignal): RuntimeWatch {
  const { hostRoot, runtimeEndpoints: explicit } = config;
  const { time, kubeletFiles } = world;
  return watchRuntimes(
    { hostRoot, explicit, kubeletFiles, dockerHostPath: dockerSocket },
    { random: () => time.random(), sleep: async (millis, until) => time.sleep(millis, until) },
    signal,
  );
}

/** What all passes have in common, the one-shot ones included. */
export function passParts(config: Config, { kubelets }: AgentWorld, log: Logger) {
  const own = ownPod(config);
  if (own.kind === "unknown") {
    log.error("own pod is not known, so nothing will be removed; set POD_UID, or by-hand outside of pods");
  }
  return {
    hostRoot: config.hostRoot,
    settings: containersSettings(config),
    own,
    kubelets,
    budgetMillis: config.passBudgetMillis,
  };
}

export function passPorts({ time, wallNanos }: AgentWorld, log: Logger) {
  return {
    clock: { monotonicMillis: () => time.monotonicMillis(), wallNanos },
    sleep: async (millis: number, signal: AbortSignal) => time.sleep(millis, signal),
    random: () => time.random(),
    log,
  };
}

function makeGuard({ config, world, log }: AgentOptions, passes: Passes, ended: AbortSignal): ShutdownGuard {
  return makeShutdownGuard({
    connect: world.connectBus,
    lockCommand: config.lockCommand.split(/\s+/),
    busAddress: config.busAddress,
    maxPassMillis: config.shutdownBudgetMillis,
    time: world.time,
    log,
    pass: async (signal) => {
      const end = await passes.run("shutdown", AbortSignal.any([signal, ended]));
      if (end.result === "failed") throw new Error("the pass failed; the agent's log says why");
    },
  });
}

function makeAgentGate({ config, world, log }: AgentOptions, publisher: Publisher): GateServer {
  return makeGate({
    runDir: config.runDir,
    hostRoot: config.hostRoot,
    connect: world.connectGate,
    readBootID: world.readBootID,
    offer: (events) => publisher.offer(events),
    time: world.time,
    log,
  });
}

async function afterPass(
  end: PassEnd,
  { world, log }: AgentOptions,
  diagnoses: Diagnoses,
  publisher: Publisher | undefined,
  ended: AbortSignal,
): Promise<void> {
  const { phase, result, report } = end;
  const isOrdinary = phase !== "shutdown";
  log[phase === "steady" ? "debug" : "info"]({ phase, result, seconds: end.seconds }, "pass");
  if (report === undefined) return;
  // At a shutdown nobody waits for disks, and a cut pass is no news of the runtime.
  const judged = isOrdinary && result !== "cut";
  const begun = judged
    ? followUp(diagnoses, report, await world.readDisks(ended), world.time.monotonicMillis(), log)
    : [];
  publisher?.offer(eventsOf(report, begun));
}

/** True once after runtimes have come or gone. */
function changes(watch: RuntimeWatch): () => boolean {
  const look = (): string =>
    watch
      .current()
      .map(({ hostPath, answers }) => `${hostPath} ${answers}`)
      .toSorted()
      .join();
  let before: string | undefined;
  return () => {
    const now = look();
    const changed = before !== undefined && before !== now;
    before = now;
    return changed;
  };
}

function watchdog({ world, config }: AgentOptions) {
  const { time } = world;
  let dueMillis = time.monotonicMillis() + config.passBudgetMillis;
  return {
    dueWithin: (millis: number) => {
      dueMillis = time.monotonicMillis() + millis;
    },
    lateMillis: () => Math.max(0, time.monotonicMillis() - dueMillis),
  };
}

function viewOf({ config }: AgentOptions, parts: Parts, lateMillis: () => number): AgentView {
  const { boot, watch, passes, diagnoses, guard, journal, network, publisher, gate, cni } = parts;
  return {
    boot: () => ({
      words: boot.words(),
      problem: boot.sighting.bootID === undefined,
      complete: boot.isDone(),
    }),
    own: ownPod(config),
    runtimes: () => watch.current(),
    endpoints: () => watch.describe(),
    complaints: () => watch.complaints(),
    lastPass: () => passes.last(),
    lastCniPass: () => cni.worker.last(),
    findings: () => [...diagnoses.standing(), ...cni.followUp.standing()],
    shutdown: () => guard?.state(),
    journal: () => journal.state(),
    network: () => network.state(),
    api: () => publisher?.state(),
    gate: () => gate?.state(),
    lateMillis,
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
