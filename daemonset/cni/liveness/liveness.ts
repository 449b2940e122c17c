/** What is alive on this node, as asked after the lease files were read. Whatever could not be proven removes nothing. */
import type { SandboxSummary } from "../../runtime/runtime.ts";

/** A runtime that was asked, for findings and for rules that depend on its version. */
export interface AskedRuntime {
  /** As it names itself: `containerd`, `cri-o`, `docker`. */
  readonly name: string;
  readonly version: string;
  /** Its socket as the node calls it. */
  readonly hostPath: string;
}

export type Liveness =
  | {
      readonly kind: "proven";
      /** Everything that CRI lists, of all runtimes, by sandbox id. */
      readonly sandboxes: ReadonlyMap<string, SandboxSummary>;
      /** Further ids that something knows: containerd's containers, sandbox store and leases; podman, nerdctl. */
      readonly otherIDs: ReadonlySet<string>;
      /** Addresses configured in any live network namespace, the node's own included, in canonical text. */
      readonly addresses: ReadonlySet<string>;
      /**
       * Where network namespaces are mounted, as the node calls them: `/run/netns/cni-...`, never with `/var/run`. A path
       * in a cached result that is in here is alive; a file in /run/netns that is not in here is no namespace any more.
       */
      readonly namespacePaths: ReadonlySet<string>;
      readonly runtimes: readonly AskedRuntime[];
      /** How it is known that this is kubelet's runtime. By hand a network must hold a lease of a ready sandbox. */
      readonly ownedBy: "own-pod" | "ready-lease-needed";
    }
  /** In words, for the report: which question was not answered. */
  | { readonly kind: "unproven"; readonly reason: string };

/** Never rejects. */
export type ProveLiveness = (signal: AbortSignal) => Promise<Liveness>;
