/** The reboot tools of the scenarios: what the chart is told about them, and as whom they come. */
import type { Identity } from "./api-client.ts";

/** The mark by which the tool `marker` says that it is about to reboot a node. */
export const MARK = "example.com/rebooting";
const MARKER = "system:serviceaccount:kube-system:marker";

/** The chart's value `tools` in the scenarios: each kind of tool once. */
export const SCENARIO_TOOLS: readonly Readonly<Record<string, unknown>>[] = [
  { preset: "kured" },
  { preset: "system-upgrade-controller" },
  { preset: "flatcar", releaseOn: "reboot", ttl: "4h" },
  {
    name: "marker",
    username: MARKER,
    lockOn: { annotationAdded: MARK },
    releaseOn: { annotationRemoved: MARK },
    perNode: true,
  },
];

/** The same for `helm --set`. */
export function helmSettings(tools: typeof SCENARIO_TOOLS): readonly string[] {
  return tools.flatMap((tool, index) => settings(tool, `tools[${index}]`));
}

function settings(value: object, path: string): readonly string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === "object" && inner !== null
      ? settings(inner, `${path}.${key}`)
      : [`${path}.${key}=${String(inner)}`],
  );
}

/** kured's pod on a node; without one its token is of an API server that names none (before 1.30). */
export const kured = (node?: string): Identity => pod("kube-system:kured", node);
export const upgradeController = (node: string): Identity => pod("system-upgrade:system-upgrade", node);
export const flatcarAgent = (node: string): Identity =>
  pod("reboot-coordinator:flatcar-linux-update-agent", node);
export const marker = (node: string): Identity => pod("kube-system:marker", node);

function pod(account: string, node: string | undefined): Identity {
  return {
    user: `system:serviceaccount:${account}`,
    groups: ["node-writers", "system:serviceaccounts", "system:authenticated"],
    ...(node === undefined ? {} : { node }),
  };
}
