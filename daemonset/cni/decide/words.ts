/** Verdicts in words, for reports, logs and Events. Words only; lease.ts and cache.ts decide. */
import type { CacheKeep, CacheRule } from "./cache.ts";
import type { LeaseKeep } from "./lease.ts";
import type { DeathRule } from "./ownership.ts";

export const REMOVED_BECAUSE: Readonly<Record<DeathRule | CacheRule, string>> = {
  "listed-before": "a runtime once listed its sandbox, and nothing knows it any more",
  "earlier-boot": "it was there before this boot, and nothing knows its sandbox",
  "seen-twice": "nothing has known its sandbox in looks at least ten minutes apart",
  "lease-released": "its sandbox's lease was stale",
  "blocks-stop": "it holds no JSON, and this runtime can't stop its sandbox while it is there",
};

export const LEASE_KEPT_BECAUSE: Readonly<Record<LeaseKeep, string>> = {
  retention: "this directory keeps addresses for pods on purpose (OpenYurt)",
  "foreign-content": "it does not hold a sandbox's id: somebody reserved the address",
  unproven: "what is alive could not be proven",
  "runtime-missing": "a runtime that answered before in this boot is not asked now",
  "mapping-broken": "sandboxes run with this network, and none of them has a lease here",
  "mapping-unproven": "no running sandbox has a lease here, so nothing shows that this runtime is kubelet's",
  "in-use": "its sandbox runs",
  "not-ready": "its sandbox has ended and is still listed: kubelet releases it",
  "unrecognized-sandbox": "the runtime gives its sandbox a state that this program does not know",
  "known-elsewhere": "a list other than CRI's has its id, such as of a sandbox that is being made",
  "address-in-use": "the address is configured in a live network namespace",
  "seen-too-briefly": "nothing knows its sandbox, but that may be just being made: it has to be seen longer",
  "blank-switched-off": "it is empty or cut short, and emptyLeases is off",
};

export const CACHE_KEPT_BECAUSE: Readonly<Record<CacheKeep, string>> = {
  foreign: "nothing shows that it is of a pod",
  unproven: LEASE_KEPT_BECAUSE.unproven,
  "runtime-missing": LEASE_KEPT_BECAUSE["runtime-missing"],
  "mapping-unproven": LEASE_KEPT_BECAUSE["mapping-unproven"],
  "in-use": "its sandbox is listed",
  "known-elsewhere": LEASE_KEPT_BECAUSE["known-elsewhere"],
  "lease-kept": "its sandbox's lease is kept",
  "seen-too-briefly": LEASE_KEPT_BECAUSE["seen-too-briefly"],
  "corrupt-harmless": "it holds no JSON, which this runtime is not known to mind",
  "corrupt-too-briefly": "it holds no JSON, but it may be just being written",
};
