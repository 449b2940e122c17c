/** Carries removals out: a few at a time, busy ones again later, and never beyond the time given. */
import { backoffMillis } from "../../program/backoff.ts";
import type { Removal } from "./decide.ts";
import type { Outcome, OutcomeKind } from "./outcome.ts";
import { inParallel } from "./parallel.ts";
import { removeOne, type RemoveOneRequest } from "./remove-one.ts";

export interface ApplySettings {
  /** Four took 0.25 s for 100 removals, a hundred 0.22 s (facts/containers.md 1.3). */
  readonly workers: number;
  readonly callTimeoutMillis: number;
  /** Of one container, the first included. */
  readonly tries: number;
  /** Before the second try; doubled before each further one, up to `longestDelayMillis`. */
  readonly firstDelayMillis: number;
  readonly longestDelayMillis: number;
}

export const DEFAULT_APPLY: ApplySettings = {
  workers: 4,
  callTimeoutMillis: 2_000,
  tries: 5,
  firstDelayMillis: 200,
  longestDelayMillis: 2_000,
};

export interface ApplyRequest extends Omit<RemoveOneRequest, "callTimeoutMillis"> {
  readonly removals: readonly Removal[];
  readonly settings: ApplySettings;
  /** Resolves after that time, or as soon as the signal fires. */
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Called once for each removal, as it is settled. */
  readonly onOutcome: (outcome: Outcome) => void;
}

/** So many calls in a row without any answer mean that the runtime is down, not that one container is stuck. */
const SILENT_AFTER = 4;

/** Never rejects; one outcome for each removal, in the order in which they were settled. */
export async function apply(request: ApplyRequest): Promise<readonly Outcome[]> {
  const { settings, signal } = request;
  const run = new Run(request);
  let pending = request.removals;
  for (let attempt = 1; pending.length > 0; attempt++) {
    pending = await run.round(pending, attempt);
    if (pending.length === 0 || attempt === settings.tries || signal.aborted) break;
    await request.sleep(delayMillis(attempt, request), signal);
  }
  run.giveUp(pending);
  return run.outcomes;
}

class Run {
  readonly outcomes: Outcome[] = [];
  readonly #request: ApplyRequest;
  /** What the last try of a container said. */
  readonly #busy = new Map<string, OutcomeKind & { kind: "busy" }>();
  #unanswered = 0;

  constructor(request: ApplyRequest) {
    this.#request = request;
  }

  /**
   * Tries each once and returns those to try again. What rests on the order of dates goes first: if the higher attempt
   * went before it, nothing would prove any more that it wedges kubelet.
   */
  async round(removals: readonly Removal[], attempt: number): Promise<readonly Removal[]> {
    const byOrder = removals.filter(isByOrder);
    const busyByOrder = await this.#tryAll(byOrder, attempt);
    const waitedFor = proofsOf(busyByOrder);
    const stillNeeded = proofsOf(this.outcomes.filter(isStillThere).map(({ removal }) => removal));
    const free: Removal[] = [];
    const waiting: Removal[] = [];
    for (const removal of removals) {
      if (isByOrder(removal)) continue;
      if (stillNeeded.has(removal.container.id)) this.#settle(removal, { kind: "kept", why: "proof-needed" });
      else (waitedFor.has(removal.container.id) ? waiting : free).push(removal);
    }
    return [...busyByOrder, ...waiting, ...(await this.#tryAll(free, attempt))];
  }

  async #tryAll(removals: readonly Removal[], attempt: number): Promise<readonly Removal[]> {
    const busy: Removal[] = [];
    await inParallel(removals, this.#request.settings.workers, async (removal) => {
      const outcome = await this.#tryOne(removal);
      if (outcome.kind === "busy") {
        this.#busy.set(removal.container.id, { ...outcome, tries: attempt });
        busy.push(removal);
      } else {
        this.#settle(removal, outcome);
      }
    });
    return busy;
  }

  async #tryOne(removal: Removal): Promise<OutcomeKind> {
    const { settings } = this.#request;
    if (this.#unanswered >= SILENT_AFTER) return { kind: "left", why: "runtime-silent" };
    const outcome = await removeOne(removal, {
      ...this.#request,
      callTimeoutMillis: settings.callTimeoutMillis,
    });
    const silent =
      outcome.kind === "failed" && (outcome.failure === "unavailable" || outcome.failure === "deadline");
    this.#unanswered = silent ? this.#unanswered + 1 : 0;
    return outcome;
  }

  /** Settles what no try is left for. */
  giveUp(removals: readonly Removal[]): void {
    for (const removal of removals) {
      const busy = this.#busy.get(removal.container.id);
      const without: OutcomeKind = this.#request.signal.aborted
        ? { kind: "left", why: "no-time" }
        : { kind: "kept", why: "proof-needed" };
      this.#settle(removal, busy ?? without);
    }
  }

  #settle(removal: Removal, kind: OutcomeKind): void {
    const outcome: Outcome = { removal, ...kind };
    this.outcomes.push(outcome);
    this.#request.onOutcome(outcome);
  }
}

function isByOrder(removal: Removal): boolean {
  return removal.rule === "clock-inverted";
}

function isStillThere({ removal, kind }: Outcome): boolean {
  return isByOrder(removal) && kind !== "removed" && kind !== "gone";
}

/** Containers without which nothing would show that these are dated wrongly. */
function proofsOf(removals: readonly Removal[]): ReadonlySet<string> {
  return new Set(removals.flatMap(({ overtaken }) => (overtaken === undefined ? [] : [overtaken.id])));
}

/** Exponential, jittered down to half, so that agents of many nodes do not beat in time. */
function delayMillis(attempt: number, { settings, random }: ApplyRequest): number {
  const bounds = { firstMillis: settings.firstDelayMillis, maxMillis: settings.longestDelayMillis };
  return backoffMillis(attempt, bounds, random());
}
