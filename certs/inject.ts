/**
 * Keeps the caBundle of every entry in the webhook configurations as it should be, and knows what the API server was
 * told to trust, for how long. Adds at once; takes a stranger away only after it was seen unwanted for a while.
 */
import type { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { failureOf } from "../kube/failure.ts";
import type { WebhookConfiguration, WebhookConfigurationSnapshot } from "../kube/webhook-configurations.ts";
import { readBundle } from "./bundle.ts";
import { planCaBundles, printsOf, unwantedIn, type ReadEntry } from "./ca-bundle-plan.ts";
import { carryIn, look, worst, type Carry, type ConfigurationView } from "./carry.ts";
import type { Clock } from "./ports.ts";

export interface WatchedConfiguration {
  readonly configuration: WebhookConfiguration;
  /** True: without it the webhook is not ready. False: it may be switched off in the chart. */
  readonly required: boolean;
}

export interface CaBundlesOptions {
  readonly configurations: readonly WatchedConfiguration[];
  /** observe: someone else injects (e.g. cert-manager's cainjector), we only look. */
  readonly mode: "inject" | "observe";
  /** How long an authority that is not wanted may stay; longer than any replica lags behind. */
  readonly graceMillis: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface CaBundles {
  /** One look at every configuration, with repair. Never throws: what went wrong is in `problems`. */
  pass(wanted: readonly X509Certificate[], signal: AbortSignal): Promise<void>;
  /** Whether the API server accepts the chain. "latest": a failed read makes it unknown; "known": the last good one. */
  carryOf(chain: readonly X509Certificate[], view: "latest" | "known"): Carry;
  /** Titles of required configurations that do not exist. */
  absent(): readonly string[];
  /** What the latest pass could not do, in words. */
  problems(): readonly string[];
}

/** Someone who changes the object between our read and write this often in a row gets it his way until the next pass. */
const MAX_ATTEMPTS = 3;

interface Watched extends WatchedConfiguration {
  view: ConfigurationView;
  problem: string | undefined;
  /** When each unwanted authority was first seen, by fingerprint. */
  unwantedSince: ReadonlyMap<string, number>;
}

export function makeCaBundles(options: CaBundlesOptions): CaBundles {
  const { clock, log } = options;
  const all: readonly Watched[] = options.configurations.map((one) => ({
    ...one,
    view: { kind: "unread" },
    problem: undefined,
    unwantedSince: new Map(),
  }));

  /** Keeps the time at which each stranger was first seen, and forgets those that are gone. */
  function noteUnwanted(
    watched: Watched,
    entries: readonly ReadEntry[],
    wanted: readonly X509Certificate[],
  ): void {
    const before = watched.unwantedSince;
    watched.unwantedSince = new Map(
      unwantedIn(entries, printsOf(wanted)).map(({ fingerprint256 }) => [
        fingerprint256,
        before.get(fingerprint256) ?? clock.monotonicMillis(),
      ]),
    );
  }

  function see(watched: Watched, bundles: readonly (readonly X509Certificate[])[]): void {
    watched.view = look(watched.view, bundles, clock.monotonicMillis());
  }

  /** One read, and a write if it takes one. True if it has to be looked at again. */
  async function attempt(
    watched: Watched,
    wanted: readonly X509Certificate[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { configuration } = watched;
    const snapshot = await configuration.read(signal);
    if (snapshot === undefined) {
      watched.view = { kind: "absent", atMillis: clock.monotonicMillis() };
      return false;
    }
    const nowMillis = clock.wallMillis();
    const entries = snapshot.entries.map((entry) => ({
      ...entry,
      reading: readBundle(entry.caBundle, nowMillis),
    }));
    noteUnwanted(watched, entries, wanted);
    see(
      watched,
      entries.map(({ reading }) => reading.trusted),
    );
    const other = otherInjector(snapshot);
    if (options.mode === "observe" || other !== undefined || wanted.length === 0) return false;
    const plan = planCaBundles({
      entries,
      wanted,
      mayStay: ({ fingerprint256 }) => {
        const since = watched.unwantedSince.get(fingerprint256) ?? clock.monotonicMillis();
        return clock.monotonicMillis() - since < options.graceMillis;
      },
      nowMillis,
    });
    if (plan.kind === "keep") return false;
    const text = plan.certificates.map((certificate) => certificate.toString()).join("");
    const outcome = await configuration.setCaBundles(snapshot, text, signal);
    if (outcome !== "set") return true;
    see(
      watched,
      snapshot.entries.map(() => plan.certificates),
    );
    log.info(
      { configuration: configuration.title, authorities: plan.certificates.length, reasons: plan.reasons },
      "caBundle set",
    );
    return false;
  }

  async function passOne(
    watched: Watched,
    wanted: readonly X509Certificate[],
    signal: AbortSignal,
  ): Promise<void> {
    const before = watched.problem;
    try {
      let again = true;
      for (let attempts = 0; again && attempts < MAX_ATTEMPTS; attempts += 1) {
        again = await attempt(watched, wanted, signal);
      }
      watched.problem = again ? `${watched.configuration.title}: changed by others all the time` : undefined;
      if (before !== undefined && !again)
        log.info({ configuration: watched.configuration.title }, "caBundle reachable again");
    } catch (thrown) {
      const failure = failureOf(thrown);
      watched.problem = `${watched.configuration.title}: ${failure.sentence}`;
      if (failure.kind !== "aborted" && watched.problem !== before) {
        log.warn({ configuration: watched.configuration.title, err: thrown }, "caBundle not reachable");
      }
    }
  }

  return {
    async pass(wanted, signal) {
      await Promise.all(all.map((watched) => passOne(watched, wanted, signal)));
    },
    carryOf(chain, view) {
      const now = { wallMillis: clock.wallMillis(), monotonicMillis: clock.monotonicMillis() };
      return worst(
        all.map((watched) => {
          if (view === "latest" && watched.problem !== undefined)
            return { kind: "unknown", detail: watched.problem };
          return carryIn(watched.view, watched.configuration.title, chain, now);
        }),
      );
    },
    absent: () =>
      all
        .filter(({ required, view }) => required && view.kind === "absent")
        .map(({ configuration }) => configuration.title),
    problems: () => all.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
  };
}

/** Two injectors would undo each other's work for ever. */
function otherInjector(snapshot: WebhookConfigurationSnapshot): string | undefined {
  return [...snapshot.annotations.keys()].find((name) => name.startsWith("cert-manager.io/inject-"));
}
