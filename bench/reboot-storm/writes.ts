/** The two writes that are measured, with the bytes that kured's pod on the node sends, and the check of their answers. */
import type { Requests } from "../load/closed-loop.ts";
import type { Answer } from "../load/answer.ts";
import { HOLDER } from "../review/locked-node.ts";

/** `lock`: the cordon, which the latch adds a lock to. `release`: the uncordon, which takes it along. */
export type Phase = "lock" | "release";
export const PHASES: readonly Phase[] = ["lock", "release"];

/** As drain's library sends them, without a resourceVersion (kured-observed.md 1). */
const BODIES: Readonly<Record<Phase, string>> = {
  lock: JSON.stringify({ spec: { unschedulable: true } }),
  release: JSON.stringify({ spec: { unschedulable: null } }),
};
export const GROUPS = [
  "system:serviceaccounts",
  "system:serviceaccounts:kube-system",
  "system:authenticated",
];

/** Impersonated: the same bytes as with a thousand tokens bound to a thousand pods, but for these headers. */
export function writeOf(phase: Phase, name: string): Buffer {
  const body = BODIES[phase];
  const head = [
    `PATCH /api/v1/nodes/${name} HTTP/1.1`,
    "Host: 127.0.0.1",
    "User-Agent: nodelatch-bench",
    "Accept: application/json",
    `Impersonate-User: ${HOLDER}`,
    ...GROUPS.map((group) => `Impersonate-Group: ${group}`),
    `Impersonate-Extra-authentication.kubernetes.io%2fnode-name: ${name}`,
    "Content-Type: application/strategic-merge-patch+json",
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Of one connection; several share the names that are left. @throws Error if a name is asked for and none is left. */
export function writesOf(phase: Phase, left: Iterator<string>): Requests {
  let last = "";
  return {
    next() {
      const name = left.next();
      if (name.done === true) throw new Error("more writes than nodes");
      last = name.value;
      return writeOf(phase, last);
    },
    check: (answer) => checkAnswer(phase, last, answer),
  };
}

/** @throws Error quoting the answer, if it is not the node as the write should have left it. */
export function checkAnswer(phase: Phase, name: string, { status, body }: Answer): void {
  const isNode = status === 200 && body.includes(`"name":"${name}"`);
  if (isNode && body.includes('"unschedulable":true') === (phase === "lock")) return;
  throw new Error(`${phase} of ${name}: expected the node, got ${status}: ${body.toString("utf8", 0, 600)}`);
}
