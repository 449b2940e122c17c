/** The agent's parts, put together from settings and the world, and how they are seen from outside. */
import { join } from "node:path";
import type { Logger } from "pino";
import { lookAtBoot, type Boot } from "./boot.ts";
import { ownPod, type Config } from "./config.ts";
import { makeCniFollowUp, type CniFollowUp } from "./cni-follow-up.ts";
import { makeCniParts } from "./cni-parts.ts";
import type { CniWorker } from "./cni/worker.ts";
import { eventsOf } from "./containers/announce.ts";
import { Diagnoses } from "./containers/diagnose.ts";
import { makeGate } from "./gate/gate.ts";
import type { GateServer } from "./gate/server.ts";
import { readEdgeTaskManager } from "./edge-switch.ts";
import { followUp } from "./findings.ts";
import type { BootIDRead } from "./host/boot/boot-id.ts";
import { sweepPartials } from "./host/files/sweep-partials.ts";
import {
  emptyHostRecord,
  HOST_RECORD_VERSION,
  parseHostRecord,
  type HostRecord,
} from "./host/journal/host-record.ts";
import { openJournal, type Journal } from "./host/journal/journal.ts";
import { makeNetworkWatch, type NetworkWatch } from "./host/network/watch.ts";
import { makeShutdownGuard, type ShutdownGuard } from "./host/shutdown/guard.ts";
import type { AgentMetrics } from "./metrics.ts";
import { makePasses, type PassEnd, type Passes } from "./passes.ts";
import { makePublisher, type Publisher } from "./publisher.ts";
import { uncleanWords, type PassEnds } from "./release/clean.ts";
import { makeRelease, type Release } from "./release/release.ts";
import type { RuntimeWatch } from "./runtime/detect/watch.ts";
import type { AgentView } from "./view.ts";
import type { AgentWorld } from "./world.ts";
import { passParts, passPorts, watchNode } from "./pass-parts.ts";

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

export interface Parts {
  readonly journal: Journal<HostRecord>;
  readonly boot: Boot;
  readonly watch: RuntimeWatch;
  readonly network: NetworkWatch;
  readonly publisher: Publisher | undefined;
  /** Undefined where the API is switched off. */
  readonly release: Release | undefined;
  readonly diagnoses: Diagnoses;
  readonly passes: Passes;
  readonly cni: { readonly worker: CniWorker; readonly followUp: CniFollowUp };
  readonly guard: ShutdownGuard | undefined;
  /** Undefined where the API is switched off. */
  readonly gate: GateServer | undefined;
}

/** Never rejects because something of the node is missing. */
export async function assemble(
  options: AgentOptions,
  metrics: AgentMetrics,
  ended: AbortSignal,
): Promise<Parts> {
  const { config, world, log } = options;
  const { time } = world;
  await sweep([config.runDir, config.stateDir], log);
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
      : makePublisher({
          connect: world.connectApi,
          onResult: (result) => metrics.event(result),
          onNode: async (...read) => release?.look(...read),
          time,
          log,
        });
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
  const release: Release | undefined =
    publisher &&
    makeAgentRelease(options, bootID, publisher, () => ({
      areBootPassesDone: boot.isDone(),
      containers: passes.last(),
      cni: cni.worker.last(),
    }));
  return { journal, boot, watch, network, publisher, release, diagnoses, passes, cni, guard, gate };
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

/** A disk that can't be read is no reason to stop. */
async function sweep(directories: readonly string[], log: Logger): Promise<void> {
  for (const directory of directories) {
    try {
      await sweepPartials(directory);
    } catch (err) {
      log.warn({ err }, "half-written files not swept");
    }
  }
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

function makeAgentRelease(
  { world, log }: AgentOptions,
  bootID: BootIDRead,
  publisher: Publisher,
  ends: () => PassEnds,
): Release {
  return makeRelease({
    bootID,
    readBootAge: world.readBootAge,
    unclean: () => uncleanWords(ends()),
    offer: (events) => publisher.offer(events),
    random: () => world.time.random(),
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

/** What probes and metrics show. */
export function viewOf({ config }: AgentOptions, parts: Parts, lateMillis: () => number): AgentView {
  const { boot, watch, passes, diagnoses, guard, journal, network, publisher, release, gate, cni } = parts;
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
    release: () => release?.state(),
    locksReleased: () => release?.released() ?? 0,
    lateMillis,
  };
}
