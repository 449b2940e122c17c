/**
 * A cluster reduced to what certificates need: one Secret, two webhook configurations, API servers that act on changes
 * late, replicas that can be slow, frozen or killed between any two steps.
 */
import { X509Certificate } from "node:crypto";
import { pino, type Logger } from "pino";
import { KubeError } from "../../kube/failure.ts";
import type { SecretChange, SecretSnapshot, SecretStore } from "../../kube/secrets.ts";
import type {
  WebhookConfiguration,
  WebhookConfigurationSnapshot,
} from "../../kube/webhook-configurations.ts";
import { readBundle } from "../bundle.ts";
import { makeSecretKeeper, type KeepSettings } from "../keep.ts";
import type { CertificateKeeper } from "../keeper.ts";
import { anchorOf } from "../pair.ts";
import { certificatesIn } from "../pem.ts";
import { makeDice } from "../../program/testing/dice.ts";
import { VirtualTime } from "./virtual-time.ts";

export const START_MILLIS = Date.UTC(2030, 0, 1);
export const NAMES = ["nodelatch-webhook.nodelatch-system.svc"];

export const QUICK: KeepSettings = {
  caLifeMillis: 20 * 60_000,
  leafLifeMillis: 5 * 60_000,
  pollMillis: 10_000,
  settleMillis: 15_000,
  graceMillis: 120_000,
};

/** What the API servers see lags behind by up to this. */
const MAX_LAG_MILLIS = 2_000;

export interface Replica {
  readonly name: string;
  readonly keeper: CertificateKeeper;
  readonly stop: AbortController;
}

interface Seen {
  readonly atMillis: number;
  readonly title: string;
  readonly caBundles: readonly string[];
}

/** Called around each API call of a replica; throwing or never resolving is up to it. */
export type Hook = (replica: string, operation: string, when: "before" | "after") => void;

export class SimulatedCluster {
  readonly dice: () => number;
  readonly time: VirtualTime;
  readonly log: Logger;
  readonly logged: string[] = [];
  readonly violations: string[] = [];
  readonly settings: KeepSettings;
  /** Added to what replicas take for the time of day. */
  wallOffsetMillis = 0;
  secret: SecretSnapshot | undefined;
  readonly configurations = new Map<string, WebhookConfigurationSnapshot>();
  replicas: Replica[] = [];
  hook: Hook = () => {};
  /** What every API call answers instead, while set. */
  outage: KubeError | undefined;
  #version = 0;
  #names = 0;
  readonly #history: Seen[] = [];

  constructor(seed = 1, settings: KeepSettings = QUICK) {
    this.dice = makeDice(seed);
    this.time = new VirtualTime(this.dice);
    this.settings = settings;
    const logged = this.logged;
    this.log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
  }

  get wallMillis(): number {
    return START_MILLIS + this.time.millis + this.wallOffsetMillis;
  }

  addConfigurations(): void {
    this.writeConfiguration("ValidatingWebhookConfiguration nodelatch", ["", ""]);
    this.writeConfiguration("MutatingWebhookConfiguration nodelatch", [""]);
  }

  writeConfiguration(title: string, caBundles: readonly string[]): void {
    this.configurations.set(title, {
      resourceVersion: this.#nextVersion(),
      annotations: this.configurations.get(title)?.annotations ?? new Map(),
      entries: caBundles.map((caBundle, index) => ({ name: `entry${index}.nodelatch.io`, caBundle })),
    });
    this.#history.push({ atMillis: this.time.millis, title, caBundles });
  }

  /** What a person with kubectl does to the Secret. */
  writeSecret(change: SecretChange): void {
    const data = new Map(this.secret?.data);
    const annotations = new Map(this.secret?.annotations);
    for (const [key, value] of change.data) setOrDelete(data, key, value);
    for (const [key, value] of change.annotations ?? []) setOrDelete(annotations, key, value);
    this.secret = {
      data,
      annotations,
      labels: this.secret?.labels ?? new Map(),
      type: "Opaque",
      uid: this.secret?.uid ?? `uid-${this.#version}`,
      resourceVersion: this.#nextVersion(),
    };
  }

  start(): Replica {
    this.#names += 1;
    const name = `replica-${this.#names}`;
    const stop = new AbortController();
    const keeper = makeSecretKeeper({
      store: this.#store(name),
      configurations: [...this.configurations.keys()].map((title) => ({
        configuration: this.#configuration(name, title),
        required: true,
      })),
      names: NAMES,
      settings: this.settings,
      world: {
        clock: { wallMillis: () => this.wallMillis, monotonicMillis: () => this.time.millis },
        sleep: (millis, signal) => this.time.wait(name, millis, signal),
        random: this.dice,
      },
      log: this.log.child({ replica: name }),
    });
    const replica = { name, keeper, stop };
    this.replicas.push(replica);
    void keeper.run(stop.signal);
    return replica;
  }

  /** Kills without warning; what it was about to do never happens. */
  kill(replica: Replica | undefined): void {
    if (replica === undefined) return;
    this.replicas = this.replicas.filter((other) => other !== replica);
    this.time.kill(replica.name);
  }

  /** Lets time pass while API servers keep calling replicas that are ready. */
  async pass(millis: number): Promise<void> {
    await this.time.pass(millis, () => this.#callSomeone());
  }

  isReady({ keeper }: Replica): boolean {
    return keeper.health().every(({ ok }) => ok);
  }

  /** Authorities (by fingerprint) of what the replicas serve. */
  served(): ReadonlySet<string> {
    return new Set(
      this.replicas.map(({ keeper }) => {
        const caPem = keeper.current()?.caPem ?? "";
        return caPem === "" ? "nothing" : new X509Certificate(caPem).fingerprint256;
      }),
    );
  }

  /** The signing authority in the Secret, by fingerprint. */
  signing(): string {
    return certificatesIn(this.secret?.data.get("ca.crt") ?? "").certificates[0]?.fingerprint256 ?? "none";
  }

  /** One API server calls one ready replica, with what it last heard of one configuration. */
  #callSomeone(): void {
    const replica = this.replicas[Math.floor(this.dice() * this.replicas.length)];
    const titles = [...this.configurations.keys()];
    const title = titles[Math.floor(this.dice() * titles.length)];
    const pair = replica?.keeper.current();
    if (replica === undefined || pair === undefined || title === undefined) return;
    if (!this.isReady(replica)) return;
    const heardAt = this.time.millis - this.dice() * MAX_LAG_MILLIS;
    const heard = this.#history.findLast((seen) => seen.title === title && seen.atMillis <= heardAt);
    const { certificates: chain } = certificatesIn(pair.certPem);
    for (const caBundle of heard?.caBundles ?? []) {
      if (anchorOf(chain, readBundle(caBundle, this.wallMillis).trusted, this.wallMillis) === undefined) {
        this.violations.push(`at ${this.time.millis} ms ${replica.name} served ${pair.serial}: ${title}`);
      }
    }
  }

  /** One API call: it takes a while to get there, has its effect at once, and takes a while to come back. */
  async #call<T>(replica: string, operation: string, effect: () => T): Promise<T> {
    this.hook(replica, operation, "before");
    await this.time.wait(replica, this.dice() * 300);
    if (this.outage !== undefined) throw this.outage;
    const result = effect();
    this.hook(replica, operation, "after");
    await this.time.wait(replica, this.dice() * 300);
    return result;
  }

  #store(replica: string): SecretStore {
    return {
      title: "nodelatch-system/tls",
      read: () => this.#call(replica, "read Secret", () => this.secret),
      create: (content) =>
        this.#call(replica, "create Secret", () => {
          if (this.secret !== undefined) return "exists";
          this.writeSecret(content);
          return "created";
        }),
      replace: (snapshot, change) =>
        this.#call(replica, "replace Secret", () => {
          if (this.secret === undefined) return "gone";
          if (this.secret.resourceVersion !== snapshot.resourceVersion) return "conflict";
          this.writeSecret(change);
          return "replaced";
        }),
    };
  }

  #configuration(replica: string, title: string): WebhookConfiguration {
    return {
      title,
      read: () => this.#call(replica, `read ${title}`, () => this.configurations.get(title)),
      setCaBundles: (snapshot, pem) =>
        this.#call(replica, `set ${title}`, () => {
          const now = this.configurations.get(title);
          if (now === undefined) return "absent";
          if (now.resourceVersion !== snapshot.resourceVersion) return "conflict";
          this.writeConfiguration(
            title,
            now.entries.map(() => pem),
          );
          return "set";
        }),
    };
  }

  #nextVersion(): string {
    this.#version += 1;
    return `${this.#version}`;
  }
}

function setOrDelete(map: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
