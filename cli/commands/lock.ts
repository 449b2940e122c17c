/** `kubectl nodelatch lock NODE`: takes the reboot lock and cordons, in one write, so that there is no gap. */
import { parseDuration } from "../../lock/duration.ts";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { lockOn, RELEASES, type LockRecord } from "../../lock/record.ts";
import type { Arguments, Command } from "../command.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { patchNode, refusalIn, withOurWay } from "../locked-node.ts";
import { nodeName } from "../node-name.ts";
import { untilTime } from "../output/time.ts";

export const lock: Command = {
  spec: {
    name: "lock",
    summary: "lock a node for reboot and cordon it, in one write",
    details:
      "While it is locked, nobody but you gets it uncordoned. If you hold the lock already, reason, expiry\n" +
      "and release are changed. Drain the node next: kubectl drain does.",
    positionals: { shown: "NODE", least: 1, most: 1, complete: "nodes" },
    options: [
      { name: "reason", value: "TEXT", help: "why; shown to whoever is refused" },
      { name: "ttl", value: "DURATION", help: "when the lock expires, from now: 90m, 2h30m, 7d" },
      { name: "release", value: "HOW", choices: RELEASES, help: "which act ends it; explicit" },
      { name: "no-cordon", help: "leave the cordon as it is" },
    ],
    examples: [
      [`${CALLED} lock worker-1 --reason "kernel update"`, "lock worker-1 until you unlock it"],
      [`${CALLED} lock worker-1 --reason "new disk" --ttl 4h`, "the same, for four hours at most"],
      [`${CALLED} lock worker-1 --release uncordon`, "your next kubectl uncordon ends it"],
    ],
  },
  async run(args, { cluster, terminal, signal, wallMillis }) {
    const name = nodeName(args.first);
    const body = lockPatch(args);
    const { kube } = await cluster();
    const doing = `lock node ${name}`;
    const patch = { doing, body, contentType: "application/merge-patch+json" } as const;
    let node;
    try {
      node = await patchNode(kube, name, patch, signal);
    } catch (thrown) {
      const refusal = refusalIn(thrown);
      if (refusal === undefined) throw thrown;
      throw new UserError(withOurWay(refusal, name), EXIT.refused, thrown);
    }
    const stored = lockOn(node);
    if (stored?.kind === "record") {
      const cordoned = node.unschedulable ? "locked and cordoned" : "locked, and not cordoned";
      const ends = expiry(stored.record, wallMillis() + kube.clockOffsetMillis());
      terminal.out(`node/${name} ${cordoned} by ${stored.record.holder}${ends}`);
      return EXIT.ok;
    }
    // The latch fails open: the key is a lock, but nobody's.
    const why = "the webhook did not stamp the lock, so its holder is unknown and only --force ends it";
    throw new UserError(
      `node ${name} is locked, but ${why}; ${CALLED} doctor says what is wrong`,
      EXIT.refused,
    );
  },
};

/** Pure. @throws UserError for a value that the webhook would refuse as well. */
export function lockPatch(args: Pick<Arguments, "text" | "isSet">): Readonly<Record<string, unknown>> {
  const ttl = args.text("ttl");
  if (ttl !== undefined) {
    const parsed = parseDuration(ttl);
    if (!parsed.ok) throw new UserError(`--ttl=${JSON.stringify(ttl)}: ${parsed.problem}`);
  }
  const asked = { reason: args.text("reason") ?? "", ttl, release: args.text("release") };
  return {
    metadata: { annotations: { [LOCK_ANNOTATION]: JSON.stringify(asked) } },
    ...(args.isSet("no-cordon") ? {} : { spec: { unschedulable: true } }),
  };
}

/** @param nowMillis by the API server's clock, which is nearer to the one that stamped the lock than ours. */
function expiry({ expiresAt }: LockRecord, nowMillis: number): string {
  return expiresAt === undefined ? "" : `; expires ${untilTime(expiresAt, nowMillis)} (${expiresAt})`;
}
