/**
 * The pair that this replica serves with, and the rule by which it takes another one: not before the API server has
 * been told to trust the new one's authority long enough, as long as the old one still works.
 */
import type { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import type { Carry } from "./carry.ts";
import { isValidAt, type GoodPair, type ServingPair } from "./pair.ts";

export interface Holding {
  readonly candidate: GoodPair;
  /** undefined: nothing is served yet. */
  readonly current: GoodPair | undefined;
  readonly carryOf: (chain: readonly X509Certificate[]) => Carry;
  readonly nowMillis: number;
  /** From a changed caBundle to every API server's acting on it. */
  readonly settleMillis: number;
}

export type Adoption =
  | { readonly kind: "same" }
  | { readonly kind: "adopt"; readonly reason: string }
  | { readonly kind: "hold"; readonly reason: string; readonly dueInMillis?: number };

export function decideAdoption(holding: Holding): Adoption {
  const { candidate, current, carryOf, nowMillis, settleMillis } = holding;
  if (current === undefined) return { kind: "adopt", reason: "nothing was served yet" };
  const { certPem, keyPem } = current.pair;
  if (certPem === candidate.pair.certPem && keyPem === candidate.pair.keyPem) return { kind: "same" };
  const [leaf] = current.chain;
  if (leaf === undefined || !isValidAt(leaf, nowMillis)) {
    return { kind: "adopt", reason: "the one served is not valid any more" };
  }
  const carry = carryOf(candidate.chain);
  if (carry.kind === "nobody-asks") return { kind: "adopt", reason: "no configuration sends requests here" };
  if (carry.kind === "carried" && carry.forMillis >= settleMillis) {
    return { kind: "adopt", reason: "every caBundle carries its authority" };
  }
  if (carryOf(current.chain).kind === "missing") {
    return { kind: "adopt", reason: "the API server does not trust the one served either" };
  }
  return carry.kind === "carried"
    ? {
        kind: "hold",
        reason: "its authority is new in the caBundles",
        dueInMillis: settleMillis - carry.forMillis,
      }
    : { kind: "hold", reason: carry.detail };
}

export interface Serving {
  current(): GoodPair | undefined;
  /** Calls the listener with each new pair, and at once with the one that is served already. */
  subscribe(listener: (pair: ServingPair) => void): void;
  offer(candidate: GoodPair, carryOf: Holding["carryOf"], nowMillis: number): Adoption;
}

export function makeServing(settleMillis: number, log: Logger): Serving {
  const listeners: ((pair: ServingPair) => void)[] = [];
  let current: GoodPair | undefined;

  function tell(listener: (pair: ServingPair) => void, pair: ServingPair): void {
    try {
      listener(pair);
    } catch (err) {
      // One listener that fails must not keep the others from the new pair.
      log.error({ err, serial: pair.serial }, "certificate listener failed");
    }
  }

  return {
    current: () => current,
    subscribe(listener) {
      listeners.push(listener);
      if (current !== undefined) tell(listener, current.pair);
    },
    offer(candidate, carryOf, nowMillis) {
      const adoption = decideAdoption({ candidate, current, carryOf, nowMillis, settleMillis });
      if (adoption.kind !== "adopt") return adoption;
      current = candidate;
      const { serial, notAfterMillis } = candidate.pair;
      log.info(
        {
          serial,
          notAfter: new Date(notAfterMillis).toISOString(),
          authority: candidate.anchor?.subject.replaceAll("\n", ", "),
          reason: adoption.reason,
        },
        "serving certificate",
      );
      for (const listener of listeners) tell(listener, candidate.pair);
      return adoption;
    },
  };
}
