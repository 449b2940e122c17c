/**
 * Certificates of our own in a Secret that all replicas share. Each replica does the same: read the Secret, see to the
 * caBundles, decide, write if it must (only if nobody else was faster), serve.
 *
 * A change of authority never leaves a moment in which a leaf is served that API servers do not trust:
 *   1. the next authority is put beside the signing one in the Secret (stage);
 *   2. every replica adds it to the caBundles;
 *   3. the replica that has seen it in all of them for the settle time lets it sign (promote); one write, whole;
 *   4. each replica takes the new leaf when it has itself seen the authority in the caBundles for the settle time.
 * The retired authority stays in `ca.crt` and the caBundles until it expires. A crash between any two steps leaves a
 * state that the next pass of any replica goes on from.
 */
import type { Logger } from "pino";
import type { SecretSnapshot, SecretStore } from "../kube/secrets.ts";
import { renewAtMillis, type Authority } from "./authority.ts";
import { contentFor } from "./content.ts";
import { decide, type Decision, type Remembered } from "./decide.ts";
import { makeCaBundles, type WatchedConfiguration } from "./inject.ts";
import { makeKeeper, type CertificateKeeper } from "./keeper.ts";
import { runLoop } from "./loop.ts";
import type { World } from "./ports.ts";
import { changeFor, readSecret, type SecretContent, type SecretReading } from "./secret.ts";
import { makeServing, type Adoption } from "./serving.ts";

export interface KeepSettings {
  readonly caLifeMillis: number;
  readonly leafLifeMillis: number;
  /** Between two looks at the Secret and the configurations. */
  readonly pollMillis: number;
  /** How long an authority must have been in the caBundles before its leaf is served. */
  readonly settleMillis: number;
  /** How long an authority that is not in the Secret may stay in a caBundle. */
  readonly graceMillis: number;
}

/** Lives as the settings' defaults; settles well above the API server's 2 s of lag. */
export const DEFAULT_KEEP_SETTINGS: KeepSettings = {
  caLifeMillis: 365 * 86_400_000,
  leafLifeMillis: 30 * 86_400_000,
  pollMillis: 10_000,
  settleMillis: 15_000,
  graceMillis: 600_000,
};

export interface SecretKeeperOptions {
  readonly store: SecretStore;
  readonly configurations: readonly WatchedConfiguration[];
  /** DNS names or IP addresses for the certificate; API servers call us by the first. */
  readonly names: readonly string[];
  readonly settings: KeepSettings;
  readonly world: World;
  readonly log: Logger;
}

/** An API server in trouble should not have us on top. */
const MAX_BACKOFF_MILLIS = 60_000;

/** Writes in one pass at most; replicas that race settle in two. */
const MAX_ROUNDS = 6;

export function makeSecretKeeper(options: SecretKeeperOptions): CertificateKeeper {
  const { store, names, settings, world, log } = options;
  const { clock } = world;
  const serving = makeServing(settings.settleMillis, log);
  const caBundles = makeCaBundles({ ...options, mode: "inject", graceMillis: settings.graceMillis, clock });
  let remembered: Remembered | undefined;
  let trouble: string | undefined;
  let lastReason = "";

  async function look(signal: AbortSignal): Promise<{ snapshot?: SecretSnapshot; reading?: SecretReading }> {
    const snapshot = await store.read(signal);
    if (snapshot === undefined) return {};
    return { snapshot, reading: readSecret(snapshot, names, clock.wallMillis()) };
  }

  /** What the caBundles must carry: all in the Secret, and the authority of what is served, wherever it came from. */
  function trustedWith(reading: SecretReading | undefined): readonly Authority["certificate"][] {
    const anchor = serving.current()?.anchor;
    return [...(reading?.trusted ?? []), ...(anchor === undefined ? [] : [anchor])];
  }

  function settled(reading: SecretReading | undefined): boolean {
    if (reading?.next.kind !== "good") return false;
    const carry = caBundles.carryOf([reading.next.authority.certificate], "latest");
    return (
      carry.kind === "nobody-asks" || (carry.kind === "carried" && carry.forMillis >= settings.settleMillis)
    );
  }

  function tell(decision: Decision): void {
    const about = { secret: store.title, decision: decision.kind, reason: decision.reason };
    const isNews = `${decision.kind} ${decision.reason}` !== lastReason;
    lastReason = `${decision.kind} ${decision.reason}`;
    if (decision.kind === "refuse" && isNews) log.error(about, "certificate Secret refused");
    else if (decision.kind !== "keep") log.info(about, "certificate Secret");
    else if (isNews) log.debug(about, "certificate Secret");
  }

  async function write(
    content: SecretContent,
    snapshot: SecretSnapshot | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const change = changeFor(content, clock.wallMillis());
    const outcome =
      snapshot === undefined
        ? await store.create(change, signal)
        : await store.replace(snapshot, change, signal);
    // exists, conflict, gone: another replica was faster, and the next round reads what it did.
    log.info({ secret: store.title, outcome }, "certificate Secret written");
  }

  /** undefined when there is nothing more to write. */
  async function round(signal: AbortSignal): Promise<SecretReading | "written" | undefined> {
    const { snapshot, reading } = await look(signal);
    await caBundles.pass(trustedWith(reading), signal);
    const decision = decide({
      reading,
      remembered,
      nextSettled: settled(reading),
      nowMillis: clock.wallMillis(),
      leafLifeMillis: settings.leafLifeMillis,
    });
    if (reading?.owner.kind === "ours" && reading.authority.kind === "good") {
      remembered = { authority: reading.authority.authority, trusted: reading.trusted };
    }
    tell(decision);
    trouble = decision.kind === "refuse" ? decision.reason : undefined;
    const content = contentFor(decision, reading, { ...settings, names, nowMillis: clock.wallMillis() });
    if (content === undefined) return reading;
    await write(content, snapshot, signal);
    return "written";
  }

  async function pass(signal: AbortSignal): Promise<number | undefined> {
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds += 1) {
      const reading = await round(signal);
      if (reading === "written") continue;
      const adoption =
        reading?.pair.kind === "good"
          ? serving.offer(reading.pair, (chain) => caBundles.carryOf(chain, "latest"), clock.wallMillis())
          : undefined;
      return dueInMillis(reading, adoption);
    }
    return undefined;
  }

  /** When something is due before the next poll, so that settle times and short lives are kept to. */
  function dueInMillis(
    reading: SecretReading | undefined,
    adoption: Adoption | undefined,
  ): number | undefined {
    const due: number[] = [];
    if (adoption?.kind === "hold" && adoption.dueInMillis !== undefined) due.push(adoption.dueInMillis);
    if (reading?.next.kind === "good") {
      const carry = caBundles.carryOf([reading.next.authority.certificate], "latest");
      if (carry.kind === "carried") due.push(settings.settleMillis - carry.forMillis);
    }
    if (reading?.owner.kind === "ours" && reading.pair.kind === "good") {
      due.push(...reading.pair.chain.slice(0, 1).map((leaf) => renewAtMillis(leaf) - clock.wallMillis()));
    }
    const upcoming = due.filter((millis) => millis > 0);
    return upcoming.length === 0 ? undefined : Math.min(...upcoming);
  }

  let failing: string | undefined;
  return makeKeeper({
    serving,
    caBundles,
    clock,
    trouble: () => failing ?? trouble,
    run: (signal) =>
      runLoop(
        {
          world,
          log,
          what: `Secret ${store.title}`,
          pollMillis: settings.pollMillis,
          maxBackoffMillis: MAX_BACKOFF_MILLIS,
          pass,
          onTrouble: (sentence) => {
            failing = sentence;
          },
        },
        signal,
      ),
  });
}
