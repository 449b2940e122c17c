/**
 * Certificates from a directory that someone else fills (cert-manager, a Secret of one's own). A changed pair is
 * checked before it is served; while it is bad or half-written, the old one stays. With a `ca.crt` the caBundles are
 * kept too, and then a pair of a new authority waits until they carry it.
 */
import type { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { makeBundle } from "./bundle.ts";
import type { PairDirectory } from "./directory.ts";
import { makeCaBundles, type WatchedConfiguration } from "./inject.ts";
import { makeKeeper, type CertificateKeeper } from "./keeper.ts";
import { runLoop } from "./loop.ts";
import { checkPair } from "./pair.ts";
import { certificatesIn } from "./pem.ts";
import type { World } from "./ports.ts";
import { makeServing } from "./serving.ts";

export interface FileSettings {
  /** Between two looks at the directory; a change notice comes sooner. */
  readonly pollMillis: number;
  readonly settleMillis: number;
  readonly graceMillis: number;
}

/** As for a Secret; a mounted Secret lags a minute or two behind, so the grace covers replicas that see it later. */
export const DEFAULT_FILE_SETTINGS: FileSettings = {
  pollMillis: 10_000,
  settleMillis: 15_000,
  graceMillis: 600_000,
};

export interface FileKeeperOptions {
  readonly directory: PairDirectory;
  readonly configurations: readonly WatchedConfiguration[];
  /**
   * inject: write ca.crt to the caBundles. observe: someone else does, readiness waits for it. ignore: never look, e.g.
   * because the certificate is signed by an authority that API servers trust anyway.
   */
  readonly caBundle: "inject" | "observe" | "ignore";
  readonly names: readonly string[];
  readonly settings: FileSettings;
  readonly world: World;
  readonly log: Logger;
}

export function makeFileKeeper(options: FileKeeperOptions): CertificateKeeper {
  const { directory, names, settings, world, log, caBundle } = options;
  const { clock } = world;
  const serving = makeServing(settings.settleMillis, log);
  const caBundles =
    caBundle === "ignore"
      ? undefined
      : makeCaBundles({ ...options, mode: caBundle, graceMillis: settings.graceMillis, clock });
  let trouble: string | undefined;
  let changed = new AbortController();

  async function pass(signal: AbortSignal): Promise<number | undefined> {
    const texts = await directory.read();
    const nowMillis = clock.wallMillis();
    const check = checkPair(texts, names, nowMillis);
    if (check.kind !== "good") {
      await caBundles?.pass(served(), signal);
      const problems = check.kind === "bad" ? check.problems.join("; ") : "tls.crt and tls.key are empty";
      throw new Error(`it can't be served: ${problems}`);
    }
    const authorities = makeBundle(certificatesIn(texts.caPem ?? "").certificates, nowMillis);
    await caBundles?.pass(authorities.length === 0 ? [] : [...authorities, ...served()], signal);
    const adoption = serving.offer(
      check,
      (chain) => caBundles?.carryOf(chain, "latest") ?? { kind: "nobody-asks" },
      nowMillis,
    );
    return adoption.kind === "hold" ? adoption.dueInMillis : undefined;
  }

  function served(): readonly X509Certificate[] {
    const anchor = serving.current()?.anchor;
    return anchor === undefined ? [] : [anchor];
  }

  return makeKeeper({
    serving,
    caBundles,
    clock,
    trouble: () => trouble,
    async run(signal) {
      const stop = directory.watch(() => changed.abort());
      try {
        await runLoop(
          {
            world,
            log,
            what: `directory ${directory.path}`,
            pollMillis: settings.pollMillis,
            maxBackoffMillis: settings.pollMillis,
            pass,
            onTrouble: (sentence) => {
              trouble = sentence;
            },
            // A fresh one before each pass: a change during the pass ends the wait after it at once.
            wake: () => {
              changed = new AbortController();
              return changed.signal;
            },
          },
          signal,
        );
      } finally {
        stop();
      }
    },
  });
}
