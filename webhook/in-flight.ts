/** What the server has taken on and not answered yet, in requests and in bytes of bodies, with a bound for each. */
export interface InFlight {
  /** False when `maxRequests` are being answered already; the caller then turns the request away. */
  tryEnter(): boolean;
  leave(): void;
  count(): number;
  /** False when bodies would exceed `maxBodyBytes` together; nothing is taken then. */
  tryTake(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** Resolves when nothing is in flight, or with `false` when `signal` fires first. */
  whenEmpty(signal: AbortSignal): Promise<boolean>;
}

export function createInFlight(maxRequests: number, maxBodyBytes: number): InFlight {
  let requests = 0;
  let bodyBytes = 0;
  const waiting = new Set<() => void>();
  return {
    tryEnter() {
      if (requests >= maxRequests) return false;
      requests += 1;
      return true;
    },
    leave() {
      requests -= 1;
      if (requests > 0) return;
      for (const tell of waiting) tell();
    },
    count: () => requests,
    tryTake(bytes) {
      if (bodyBytes + bytes > maxBodyBytes) return false;
      bodyBytes += bytes;
      return true;
    },
    giveBack(bytes) {
      bodyBytes -= bytes;
    },
    whenEmpty(signal) {
      if (requests === 0) return Promise.resolve(true);
      if (signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const end = (empty: boolean): void => {
          waiting.delete(onEmpty);
          signal.removeEventListener("abort", onAbort);
          resolve(empty);
        };
        const onEmpty = (): void => end(true);
        const onAbort = (): void => end(false);
        waiting.add(onEmpty);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
