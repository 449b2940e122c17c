/** What the webhook's main sees of certificates, wherever they come from. */
import type { CaBundles } from "./inject.ts";
import { caBundleHealth, certificateHealth, type HealthCheck } from "./health.ts";
import type { ServingPair } from "./pair.ts";
import type { Clock } from "./ports.ts";
import type { Serving } from "./serving.ts";

export type { HealthCheck } from "./health.ts";
export type { ServingPair } from "./pair.ts";

export interface CertificateKeeper {
  /** The pair to serve with; undefined before there is one. */
  current(): ServingPair | undefined;
  /** The listener gets each new pair, and at once the one there is. */
  subscribe(listener: (pair: ServingPair) => void): void;
  /** Checks `certificate` and `ca-bundle`; both must be ok for readiness. */
  health(): readonly HealthCheck[];
  /** When the served certificate ends, for the metric; undefined before there is one. */
  expiresAtMillis(): number | undefined;
  /** Works until the signal aborts, then resolves; never rejects. Call once. */
  run(signal: AbortSignal): Promise<void>;
}

export interface KeeperParts {
  readonly serving: Serving;
  /** undefined: nobody wants to know. */
  readonly caBundles: CaBundles | undefined;
  readonly clock: Clock;
  /** What is wrong with the source at the moment, in words. */
  readonly trouble: () => string | undefined;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export function makeKeeper({ serving, caBundles, clock, trouble, run }: KeeperParts): CertificateKeeper {
  return {
    current: () => serving.current()?.pair,
    subscribe: (listener) => serving.subscribe(listener),
    health: () => [
      certificateHealth(serving.current(), trouble(), clock),
      caBundles === undefined
        ? { name: "ca-bundle", ok: true, detail: "not watched" }
        : caBundleHealth(serving.current(), caBundles, clock),
    ],
    expiresAtMillis: () => serving.current()?.pair.notAfterMillis,
    run,
  };
}
