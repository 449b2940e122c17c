import type { Verdict } from "../review.ts";
import { ALLOW } from "./webhook-server.ts";

/** A handler that answers when it is told to. */
export interface Gate {
  readonly open: () => void;
  /** Reviews that have reached it. */
  readonly entered: () => number;
  readonly handle: () => Promise<Verdict>;
}

export function makeGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let entered = 0;
  return {
    open: () => resolve(undefined),
    entered: () => entered,
    handle: async () => {
      entered += 1;
      await promise;
      return ALLOW;
    },
  };
}
