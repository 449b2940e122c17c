/** What a pass knows of one cache or scratch file, put before the decision. */
import type { FileReading } from "../apply/order.ts";
import { judgeCache, type CacheContext, type CacheVerdict } from "../decide/cache.ts";
import { obstacleOf, type Proven } from "../decide/ownership.ts";
import type { Liveness } from "../liveness/liveness.ts";
import { contentFingerprint, idFingerprint, type Fingerprint } from "../memory/fingerprint.ts";
import type { CacheContent } from "../networks/cache-entry.ts";
import type { CacheDirectory } from "../networks/network.ts";
import type { LeasePass } from "./lease-book.ts";

/** Where containerd's own results are; go-cni's loopback does no harm there (facts/node-observed.md 1). */
export const CONTAINERD_RESULTS = "/var/lib/cni/results";
export const LOOPBACK = "cni-loopback";

export interface CachePass extends LeasePass {
  /** Names of Kubernetes' networks. */
  readonly networks: ReadonlySet<string>;
  /** All leases of all of them were read, so that an id without one has none. */
  readonly leasesWhole: boolean;
  readonly anyMappingHeld: boolean;
}

export interface CacheCandidate {
  readonly hostPath: string;
  readonly kind: CacheDirectory["kind"];
  readonly directory: string;
  readonly name: string;
  readonly id: string;
  readonly network: string;
  /** Of its name. */
  readonly fingerprint: Fingerprint;
}

export interface ReadCache {
  readonly reading: FileReading;
  /** What was read, parsed. */
  readonly content: CacheContent;
}

export class CacheJudge {
  readonly #of: CachePass;
  #context: { readonly of: Liveness; readonly context: CacheContext } | undefined;

  constructor(of: CachePass) {
    this.#of = of;
  }

  /** Without its content a file counts as what its name says. */
  judge(candidate: CacheCandidate, read: ReadCache | undefined, liveness: Liveness): CacheVerdict {
    const { request, ports, released, held, leasesWhole } = this.#of;
    const { memory } = request;
    const { hostPath, id, kind, network, fingerprint } = candidate;
    const nowMillis = ports.monotonicMillis();
    const context = this.#contextOf(liveness);
    const isResult = kind === "results" && hostPath === CONTAINERD_RESULTS && network !== LOOPBACK;
    return judgeCache(
      {
        id,
        isKubernetes: read === undefined || this.#isKubernetes(candidate, read, context.liveness),
        past: {
          wasListed: memory.wasListed(id),
          isFromEarlierBoot: memory.isFromEarlierBoot(fingerprint),
          orphanMillis: memory.orphanMillis(fingerprint, nowMillis),
        },
        leaseReleased: released.has(idFingerprint(id)),
        leaseKept: !leasesWhole || held.has(idFingerprint(id)),
        isCorrupt: isResult && (read === undefined || read.content.kind === "corrupt"),
        corruptMillis:
          read?.content.kind === "corrupt"
            ? memory.orphanMillis(contentFingerprint(hostPath, read.reading), nowMillis)
            : undefined,
      },
      context,
    );
  }

  /** The same for all files that are judged by one look at what lives. */
  #contextOf(liveness: Liveness): CacheContext {
    if (this.#context?.of === liveness) return this.#context.context;
    const { request, anyMappingHeld } = this.#of;
    const { memory, settings } = request;
    const proven = liveness.kind === "proven" ? liveness : undefined;
    const context = {
      obstacle: obstacleOf(liveness, proven === undefined ? [] : memory.missingRuntimes(proven)),
      liveness: proven,
      anyMappingHeld,
      graceMillis: settings.graceMillis,
    };
    this.#context = { of: liveness, context };
    return context;
  }

  /** flannel and multus name scratch files by the bare id; podman, which has such ids too, uses neither. */
  #isKubernetes(
    { kind, id, network }: CacheCandidate,
    { content }: ReadCache,
    liveness: Proven | undefined,
  ): boolean {
    if (kind === "scratch" || liveness?.sandboxes.has(id) === true) return true;
    if (content.kind === "entry") return content.id === id && content.network === network && content.isPod;
    return network === LOOPBACK || this.#of.networks.has(network);
  }
}
