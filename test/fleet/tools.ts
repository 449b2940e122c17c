/** The three reboot tools of the fleet, as Nodelatch's setting lists them: one of each way to lock and to release. */
import type { Tool } from "../../lock/tool.ts";

export type FleetTool = Pick<Tool, "username">;

/**
 * Runs on every node; its cordon locks, its own uncordon ends the lock whatever stands here. After the reboot the agent does,
 * too: where the answer to kured's cordon gets lost, kured takes the node for one that others have cordoned, reboots it and
 * never uncordons it (facts/kured-observed.md 2, drain fails). With `uncordon` this fleet then ends with such nodes.
 */
export const KURED: Tool = {
  name: "kured",
  username: "system:serviceaccount:kube-system:kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "reboot" },
  ttlMillis: undefined,
  perNode: true,
};

/** One controller, whose pod moves. */
export const UPGRADER: Tool = {
  ...KURED,
  name: "upgrader",
  username: "system:serviceaccount:system-upgrade:system-upgrade",
  releaseOn: { kind: "uncordon" },
  perNode: false,
};

/** One controller that only marks and cordons; the node's agent releases after the reboot. */
export const MARKER: Tool = {
  ...UPGRADER,
  name: "marker",
  username: "system:serviceaccount:maintenance:marker",
  lockOn: { kind: "annotation-added", key: "maintenance.example.com/reboot" },
  releaseOn: { kind: "reboot" },
};

export const MARK = "maintenance.example.com/reboot";
export const TOOLS: readonly Tool[] = [KURED, UPGRADER, MARKER];
