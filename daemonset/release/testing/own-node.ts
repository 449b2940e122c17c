/** The agent's own Node as an API server keeps it: who writes to an old version of it gets a conflict. */
import { LOCK_ANNOTATION } from "../../../lock/node.ts";
import { writeRecord, type LockRecord } from "../../../lock/record.ts";
import type { NodeReading, ReleaseApi, ReleaseResult, ReleaseWrite } from "../release.ts";

export class FakeNode implements ReleaseApi {
  uid = "uid-n1";
  version = 1;
  lock: string | undefined;
  unschedulable = true;
  bootID = "";
  ready = "True";
  /** The API server's clock. */
  nowMillis = Date.parse("2026-11-21T09:30:00Z");
  /** When the lock's owner last wrote; undefined: the API server does not say. */
  lockWrittenAt: string | undefined;
  readonly writes: ReleaseWrite[] = [];

  /** A heartbeat, a label: whatever changes nothing that decides. */
  touch(): void {
    this.version += 1;
  }

  take(record: LockRecord | string): void {
    this.lock = typeof record === "string" ? record : writeRecord(record);
    this.touch();
  }

  raw(): unknown {
    return {
      kind: "Node",
      metadata: {
        name: "n1",
        uid: this.uid,
        resourceVersion: String(this.version),
        ...(this.lock === undefined ? {} : { annotations: { [LOCK_ANNOTATION]: this.lock } }),
        managedFields: [
          { manager: "kubelet", time: "2026-11-21T09:29:59Z", fieldsV1: { "f:status": {} } },
          ...(this.lockWrittenAt === undefined ? [] : [owned(this.lockWrittenAt)]),
        ],
      },
      spec: this.unschedulable ? { unschedulable: true } : {},
      status: {
        nodeInfo: { bootID: this.bootID },
        conditions: [
          { type: "DiskPressure", status: "False" },
          { type: "Ready", status: this.ready },
        ],
      },
    };
  }

  readonly readNode = async (): Promise<NodeReading> => ({
    uid: this.uid,
    raw: this.raw(),
    atMillis: this.nowMillis,
  });

  readonly release = async (write: ReleaseWrite): Promise<ReleaseResult> => {
    this.writes.push(write);
    if (write.uid !== this.uid || write.resourceVersion !== String(this.version)) return { kind: "conflict" };
    this.lock = undefined;
    if (write.uncordon) this.unschedulable = false;
    this.touch();
    return { kind: "released", cordoned: this.unschedulable };
  };
}

function owned(time: string): unknown {
  const fields = { "f:metadata": { "f:annotations": { [`f:${LOCK_ANNOTATION}`]: {} } } };
  return { manager: "kubectl-annotate", operation: "Update", time, fieldsV1: fields };
}

/** For agents whose Node is not what the test is about. */
export function unlockedNode(): Pick<FakeNode, "readNode" | "release"> {
  const { readNode, release } = new FakeNode();
  return { readNode, release };
}
