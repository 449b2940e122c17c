/** The setting that lists reboot tools, as JSON. */
import { parseToolList, writeToolList } from "../lock/tool-list.ts";
import type { Tool } from "../lock/tool.ts";
import type { Setting } from "../program/setting.ts";

export function toolList(
  named: Pick<Setting<unknown>, "flag" | "help">,
  fallback: readonly Tool[],
): Setting<readonly Tool[]> {
  return {
    ...named,
    shape: "JSON",
    fallback,
    shownFallback: writeToolList(fallback),
    read(text) {
      const read = parseToolList(text);
      return read.ok ? { ok: true, value: read.tools } : read;
    },
  };
}

/** charts/nodelatch/tools/presets.yaml has the same; charts/tools.test.ts compares them. */
export const KURED: Tool = {
  name: "kured",
  username: "system:serviceaccount:kube-system:kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "reboot" },
  ttlMillis: undefined,
  perNode: true,
};
