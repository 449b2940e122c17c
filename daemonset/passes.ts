/** Passes one after the other, over the runtimes that there are now. Only the one before a shutdown goes first. */
import { DEFAULT_APPLY } from "./containers/apply.ts";
import { History } from "./containers/history.ts";
import { runPass } from "./containers/pass.ts";
import { DEFAULT_LIST_TIMEOUT_MILLIS, type PassPorts, type PassTarget } from "./containers/pass-request.ts";
import type { PassReport } from "./containers/report.ts";
import type { ContainersSettings, OwnPod, Phase } from "./containers/settings.ts";
import type { KubeletProbe } from "./host/kubelet/probe.ts";
import type { RuntimeWatch } from "./runtime/detect/watch.ts";
import { targetOf } from "./targets.ts";

export const PASS_RESULTS = [
  "read",
  /** Several runtimes, and not all of them could be read. */
  "partly-read",
  "unread",
  "no-runtime",
  "off",
  /** Ended by a shutdown or by the agent's own end. */
  "cut",
  "failed",
] as const;
export type PassResult = (typeof PASS_RESULTS)[number];

export interface PassEnd {
  readonly phase: Phase;
  readonly result: PassResult;
  /** Something has to be seen a second time before it can be judged. */
  readonly unsettled: boolean;
  readonly seconds: number;
  /** Absent only if the pass failed: `failed` by an error that nobody foresaw, `cut` before it began. */
  readonly report: PassReport | undefined;
}

export interface PassesOptions {
  readonly watch: Pick<RuntimeWatch, "current" | "refresh">;
  readonly hostRoot: string;
  readonly settings: ContainersSettings;
  readonly own: OwnPod;
  readonly kubelets: KubeletProbe;
  /** For passes that no shutdown waits for. */
  readonly budgetMillis: number;
  readonly ports: PassPorts;
  /** After each pass, before the next one. Its rejection is logged. */
  readonly onEnd: (end: PassEnd) => Promise<void> | void;
}

export interface Passes {
  /**
   * Waits for its turn. A shutdown's pass cuts the one that runs. Never rejects.
   * @param signal ends the pass, or the wait for it.
   */
  run(phase: Phase, signal: AbortSignal): Promise<PassEnd>;
  /** The last that was not cut. */
  last(): PassEnd | undefined;
}

/** Runtimes are looked for before each pass; longer than this is not waited for. */
const REFRESH_MILLIS = 3_000;
/** Where none is known yet there is nothing else to do, and right after a boot all starts at once. */
const FIRST_LOOK_MILLIS = 15_000;
/** At a shutdown every moment counts; a kubelet that runs answers in a millisecond. */
const SHUTDOWN_PROBE_MILLIS = 300;

export function makePasses(options: PassesOptions): Passes {
  const { ports } = options;
  const history = new History();
  let turn: Promise<void> = Promise.resolve();
  let ordinary = new AbortController();
  let last: PassEnd | undefined;

  async function once(phase: Phase, signal: AbortSignal): Promise<PassEnd> {
    const beganMillis = ports.clock.monotonicMillis();
    const seconds = (): number => (ports.clock.monotonicMillis() - beganMillis) / 1_000;
    if (signal.aborted) return { phase, result: "cut", unsettled: false, seconds: 0, report: undefined };
    try {
      const report = await look(phase, signal);
      return { phase, ...judge(report, signal), seconds: seconds(), report };
    } catch (err) {
      ports.log.warn({ phase, err }, "pass failed");
      return { phase, result: "failed", unsettled: false, seconds: seconds(), report: undefined };
    }
  }

  async function look(phase: Phase, signal: AbortSignal): Promise<PassReport> {
    const isOff = options.settings.modes[phase] === "off";
    const [targets, kubeletStopped] = isOff
      ? [[], false]
      : await Promise.all([findTargets(phase, signal), isKubeletStopped(phase, signal)]);
    const timeout = AbortSignal.timeout(options.budgetMillis);
    const request = {
      phase,
      targets,
      settings: options.settings,
      apply: DEFAULT_APPLY,
      listTimeoutMillis: DEFAULT_LIST_TIMEOUT_MILLIS,
      own: options.own,
      kubeletStopped,
      history,
    };
    return runPass(request, ports, phase === "shutdown" ? signal : AbortSignal.any([signal, timeout]));
  }

  async function findTargets(phase: Phase, signal: AbortSignal): Promise<readonly PassTarget[]> {
    const isFirst = options.watch.current().length === 0;
    if (phase !== "shutdown" || isFirst) {
      const patienceMillis = phase !== "shutdown" && isFirst ? FIRST_LOOK_MILLIS : REFRESH_MILLIS;
      const found = new AbortController();
      const end = AbortSignal.any([signal, found.signal]);
      await Promise.race([options.watch.refresh(), ports.sleep(patienceMillis, end)]);
      found.abort();
    }
    return Promise.all(options.watch.current().map(async (current) => targetOf(current, options.hostRoot)));
  }

  async function isKubeletStopped(phase: Phase, signal: AbortSignal): Promise<boolean> {
    const soon = phase === "shutdown" ? [AbortSignal.timeout(SHUTDOWN_PROBE_MILLIS)] : [];
    const state = await options.kubelets.look(AbortSignal.any([signal, ...soon]));
    return state.kind === "stopped";
  }

  async function settle(end: PassEnd): Promise<void> {
    if (end.result !== "cut") last = end;
    try {
      await options.onEnd(end);
    } catch (err) {
      ports.log.warn({ phase: end.phase, err }, "pass not followed up");
    }
  }

  return {
    async run(phase, signal) {
      if (phase === "shutdown") {
        ordinary.abort(new Error("the node is going down"));
        ordinary = new AbortController();
      }
      const before = turn;
      const over = Promise.withResolvers<void>();
      turn = over.promise;
      const ends = phase === "shutdown" ? signal : AbortSignal.any([signal, ordinary.signal]);
      try {
        await before;
        const end = await once(phase, ends);
        await settle(end);
        return end;
      } finally {
        over.resolve();
      }
    },
    last: () => last,
  };
}

function judge(
  { mode, runtimes }: PassReport,
  signal: AbortSignal,
): { readonly result: PassResult; readonly unsettled: boolean } {
  let unread = 0;
  let unsettled = false;
  for (const runtime of runtimes) {
    if (runtime.kind === "unread") unread += 1;
    // A container from the future wedges kubelet each time that a successor is there, and kubelet itself removes and
    // makes that one again and again: one look may fall between (seen with a real kubelet).
    else unsettled ||= (runtime.kept["seen-too-briefly"] ?? 0) > 0 || runtime.future !== undefined;
  }
  if (mode === "off") return { result: "off", unsettled };
  if (signal.aborted) return { result: "cut", unsettled };
  if (runtimes.length === 0) return { result: "no-runtime", unsettled };
  if (unread === 0) return { result: "read", unsettled };
  return { result: unread < runtimes.length ? "partly-read" : "unread", unsettled };
}
