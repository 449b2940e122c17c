/** What one pass finds out about the leases of one network directory, and what others need to know of it. */
import type { FileReading } from "../apply/order.ts";
import type { LeaseKeep } from "../decide/lease.ts";
import { ownerOf, type DeathRule } from "../decide/ownership.ts";
import { REMOVED_BECAUSE } from "../decide/words.ts";
import { familyOfCanonical, type Family } from "../lease/address.ts";
import type { LeaseContent } from "../lease/content.ts";
import type { Liveness } from "../liveness/liveness.ts";
import type { FingerprintMap } from "../memory/fingerprint-map.ts";
import { idFingerprint, type Fingerprint } from "../memory/fingerprint.ts";
import type { PassMemory } from "../memory/memory.ts";
import type { NetworkDirectory } from "../networks/network.ts";
import type { MoveOutcome, NetworkReport, PoolReport } from "../report/report.ts";
import { forecast } from "../report/forecast.ts";
import { Counter, leaseTally, Removals } from "../report/tally.ts";
import type { CniPassRequest, CniPorts } from "./request.ts";

export interface LeasePass {
  readonly request: CniPassRequest;
  readonly ports: CniPorts;
  readonly pass: PassMemory;
  /** Asked before anything was read: what it lists is alive, what it does not list is only suspected. */
  readonly first: Liveness;
  /** Ids whose leases went, and whose stay although no list shows them; and of ended sandboxes with a lease. */
  readonly released: FingerprintMap;
  readonly held: FingerprintMap;
  readonly endedHolders: Set<string>;
}

export interface Candidate {
  readonly reading: FileReading;
  /** What was read, parsed. */
  readonly content: LeaseContent;
  readonly fingerprint: Fingerprint;
}

export interface StaleLease extends Candidate {
  readonly rule: DeathRule;
}

export class LeaseBook {
  readonly removals = new Removals<DeathRule>();
  readonly #network: NetworkDirectory;
  readonly #of: LeasePass;
  readonly #kept = new Counter<LeaseKeep>();
  readonly #used = new Counter<Family>();
  #predating = 0;

  constructor(network: NetworkDirectory, of: LeasePass) {
    this.#network = network;
    this.#of = of;
  }

  /** Something has the name of an address. */
  use(family: Family): void {
    this.#used.add(family);
  }

  note(fingerprint: Fingerprint): void {
    if (this.#of.request.memory.isFromEarlierBoot(fingerprint)) this.#predating += 1;
  }

  keep(why: LeaseKeep, id: string | undefined): void {
    this.#kept.add(why);
    if (id === undefined) return;
    if (why === "not-ready") this.#of.endedHolders.add(id);
    const { first } = this.#of;
    if (first.kind !== "proven" || ownerOf(id, first) === "nobody") this.#of.held.set(idFingerprint(id));
  }

  settled(lease: StaleLease, outcome: MoveOutcome, detailOf: () => string): void {
    const { reading, content, fingerprint, rule } = lease;
    const { pass, released, held, ports } = this.#of;
    const { hostPath } = this.#network;
    const id = idOf(content);
    const line = this.removals.add(rule, outcome, () => {
      const detail = detailOf();
      const reason = detail === "" ? REMOVED_BECAUSE[rule] : `${REMOVED_BECAUSE[rule]}; ${detail}`;
      return { path: `${hostPath}/${reading.name}`, id, outcome, reason };
    });
    if (outcome === "moved") pass.noteRemoved(hostPath);
    if (outcome === "moved" || outcome === "gone") {
      if (id !== undefined) released.set(idFingerprint(id));
      if (this.#of.request.memory.isFromEarlierBoot(fingerprint)) this.#predating -= 1;
      const family = familyOfCanonical(reading.name);
      if (family !== undefined) this.#used.add(family, -1);
    } else {
      if (id !== undefined) held.set(idFingerprint(id));
      this.noteOrphan(lease);
    }
    // Up to a number: the report says how many there were.
    if (line === undefined) return;
    const { path, reason } = line;
    ports.log.info({ path, sandboxID: id, rule, outcome, reason }, "stale lease");
  }

  noteOrphan({ fingerprint }: Pick<Candidate, "fingerprint">): void {
    this.#of.pass.noteOrphan(fingerprint, this.#of.ports.monotonicMillis());
  }

  report(): NetworkReport {
    const { name, hostPath, because, isLink, pools } = this.#network;
    const { rules, outcomes, lines, troubles } = this.removals;
    const gone = outcomes.of("moved") + outcomes.of("gone");
    const decided = outcomes.sum();
    const after = leaseTally(this.#kept, decided - gone);
    const families = (["IPv4", "IPv6"] as const).filter(
      (family) => pools.has(family) || this.#used.of(family) > 0,
    );
    const reports = families.map((family): PoolReport => {
      const [size, used] = [pools.get(family), this.#used.of(family)];
      return { family, size, used, free: size === undefined ? undefined : Math.max(0, size - used) };
    });
    return {
      name,
      path: hostPath,
      because,
      isLink,
      pools: reports,
      before: leaseTally(this.#kept, decided),
      after,
      predating: this.#of.request.memory.knowsEarlierBoot ? this.#predating : undefined,
      forecast: forecast(this.#of.request.memory.boots, hostPath, reports, outcomes.of("moved"), after.stale),
      kept: this.#kept.toCounts(),
      rules: rules.toCounts(),
      outcomes: outcomes.toCounts(),
      removals: lines,
      troubles,
    };
  }
}

/** Of the sandbox that a lease names, if it does. */
export function idOf(content: LeaseContent): string | undefined {
  return content.kind === "owned" ? content.id : undefined;
}
