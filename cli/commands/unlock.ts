/** `kubectl nodelatch unlock NODE`: ends a lock and gives the node back as it was before it. */
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "../../lock/node.ts";
import { lockOn } from "../../lock/record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../../lock/requested-uncordon.ts";
import { oneLine } from "../../lock/request.ts";
import { annotationPointer } from "../../kube/annotation-pointer.ts";
import { failureOf } from "../../kube/failure.ts";
import type { KubeCall } from "../../kube/call.ts";
import type { Command } from "../command.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { LOCK_POINTER, patchNode, readNode, refusalIn, withOurWay } from "../locked-node.ts";
import { nodeName } from "../node-name.ts";

export const unlock: Command = {
  spec: {
    name: "unlock",
    summary: "end your lock of a node, or break somebody else's",
    details:
      "The node is uncordoned in the same write, unless it was cordoned before the lock came and nobody's uncordon\n" +
      "was refused meanwhile. --force breaks a lock that is not yours: it wants a reason, the right (verb override\n" +
      "on rebootlocks.nodelatch.io), and leaves a record on the node.",
    positionals: { shown: "NODE", least: 1, most: 1, complete: "nodes" },
    options: [
      { name: "force", help: "break the lock, whoever holds it; needs --reason" },
      {
        name: "reason",
        value: "TEXT",
        help: "why the lock is broken; kept on the node and in the audit log",
      },
      { name: "keep-cordon", help: "leave the node cordoned, whoever wanted to uncordon it" },
    ],
    examples: [
      [`${CALLED} unlock worker-1`, "give worker-1 back after its reboot"],
      [`${CALLED} unlock worker-1 --keep-cordon`, "end the lock, and leave the cordon to others"],
      [`${CALLED} unlock worker-1 --force --reason "holder has left"`, "break the glass"],
    ],
  },
  async run(args, { cluster, terminal, signal }) {
    const name = nodeName(args.first);
    const reason = breakReason(args.isSet("force"), args.text("reason"));
    const { kube } = await cluster();
    const node = await readNode(kube, name, signal);
    const plan = planUnlock(node, { reason, keepCordon: args.isSet("keep-cordon") });
    if (plan.kind === "not-locked") {
      terminal.out(`node/${name} is not locked`);
      return EXIT.ok;
    }
    let after;
    try {
      after = await patchNode(kube, name, plan.patch, signal);
    } catch (thrown) {
      throw mended(thrown, name, reason !== undefined);
    }
    const did = reason === undefined ? "unlocked" : `lock of ${plan.holder} broken`;
    const cordon = after.unschedulable
      ? "still cordoned"
      : node.unschedulable
        ? "uncordoned"
        : "not cordoned";
    terminal.out(`node/${name} ${did}, ${cordon}`);
    return EXIT.ok;
  },
};

type Plan =
  | { readonly kind: "not-locked" }
  | {
      readonly kind: "patch";
      readonly holder: string;
      readonly uncordons: boolean;
      readonly patch: Pick<KubeCall, "doing" | "body" | "contentType">;
    };

/**
 * A refused uncordon that is kept on the node would be carried out with this write. Set and removed, because a JSON patch
 * can't remove what is not there, and it may come between the look and the write.
 */
const WITHDRAW = [
  { op: "add", path: annotationPointer(UNCORDON_REQUESTED_ANNOTATION), value: "" },
  { op: "remove", path: annotationPointer(UNCORDON_REQUESTED_ANNOTATION) },
];

/** Pure: what to send, from the node as it was just read. */
export function planUnlock(
  node: NodeView,
  { reason, keepCordon }: { readonly reason: string | undefined; readonly keepCordon: boolean },
): Plan {
  const lock = lockOn(node);
  if (lock === undefined) return { kind: "not-locked" };
  // Whose cordon it is, only the record can say: without one, or with a node that was cordoned before, it stays.
  const isLocksCordon = lock.kind === "record" && !lock.record.wasUnschedulable;
  const uncordons = node.unschedulable && isLocksCordon && !keepCordon;
  const holder = lock.kind === "record" ? oneLine(lock.record.holder) : "an unknown holder";
  const said = { kind: "patch", holder, uncordons } as const;
  if (reason === undefined) {
    // Exactly the lock that was read: one that was taken since is not ended unseen.
    const body = [
      { op: "test", path: LOCK_POINTER, value: node.annotations.get(LOCK_ANNOTATION) },
      { op: "remove", path: LOCK_POINTER },
      ...(keepCordon ? WITHDRAW : []),
      ...(uncordons ? [{ op: "remove", path: "/spec/unschedulable" }] : []),
    ];
    const doing = `unlock node ${node.name}`;
    return { ...said, patch: { doing, body, contentType: "application/json-patch+json" } };
  }
  const body = {
    metadata: {
      annotations: {
        [LOCK_ANNOTATION]: null,
        [OVERRIDE_ANNOTATION]: freshReason(reason, node),
        ...(keepCordon ? { [UNCORDON_REQUESTED_ANNOTATION]: null } : {}),
      },
    },
    ...(uncordons ? { spec: { unschedulable: null } } : {}),
  };
  const doing = `break the lock of node ${node.name}`;
  return { ...said, patch: { doing, body, contentType: "application/merge-patch+json" } };
}

/** Only a newly set override breaks a lock; one left behind with the same words would be no act at all. */
function freshReason(reason: string, node: NodeView): string {
  return node.annotations.get(OVERRIDE_ANNOTATION) === reason ? `${reason} (again)` : reason;
}

function breakReason(force: boolean, reason: string | undefined): string | undefined {
  const text = oneLine(reason ?? "");
  if (!force) {
    if (reason === undefined) return undefined;
    throw new UserError("--reason goes with --force: your own lock needs none");
  }
  if (text !== "") return text;
  throw new UserError('--force needs --reason "...": say why the lock is broken; it is kept on the node');
}

function mended(thrown: unknown, name: string, isForced: boolean): unknown {
  const refusal = refusalIn(thrown);
  if (refusal !== undefined) {
    const text = isForced ? refusal : withOurWay(refusal, name);
    return new UserError(text, EXIT.refused, thrown);
  }
  if (failureOf(thrown).kind === "rejected" && !isForced) {
    return new UserError(
      `the lock of node ${name} has changed meanwhile; look at it and try again`,
      EXIT.refused,
      thrown,
    );
  }
  return thrown;
}
