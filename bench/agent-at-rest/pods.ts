/** A node's worth of pods as kubelet makes them, put into a runtime in memory. */
import { randomBytes, randomUUID } from "node:crypto";
import type { FakeContainerd } from "../../daemonset/runtime/testing/fake-containerd.ts";
import { AGENT_UID } from "./places.ts";

const SECOND_NANOS = 1_000_000_000n;
const READY = 0;
const RUNNING = 1;
const EXITED = 2;

/** Each pod has one READY sandbox, one container that runs, and one that has ended: an init container. The first is the agent's. */
export function addPods(fake: Pick<FakeContainerd, "sandboxes" | "containers">, count: number): void {
  const startNanos = 1_763_700_000_123_456_789n;
  for (let index = 0; index < count; index += 1) {
    const createdAtNanos = startNanos + BigInt(index) * SECOND_NANOS;
    const uid = index === 0 ? AGENT_UID : randomUUID();
    const metadata = { name: `app-${index}-5d6c7b8f9-x2k4z`, namespace: "production", uid, attempt: 0 };
    const sandboxID = newID();
    fake.sandboxes.set(sandboxID, {
      id: sandboxID,
      config: { metadata, labels: podLabels(metadata), annotations: POD_ANNOTATIONS },
      createdAtNanos,
      state: READY,
    });
    for (const [name, state] of [
      ["prepare", EXITED],
      ["app", RUNNING],
    ] as const) {
      const id = newID();
      const reservedName = [name, metadata.name, metadata.namespace, uid, "0"].join("_");
      const startedAtNanos = createdAtNanos + SECOND_NANOS;
      const config = {
        metadata: { name, attempt: 0 },
        image: { image: `registry.example/team/app-${index}@sha256:${newID()}` },
        labels: { ...kubeletLabels(metadata), "io.kubernetes.container.name": name },
        annotations: CONTAINER_ANNOTATIONS,
      };
      fake.containers.set(id, {
        id,
        sandboxID,
        config,
        reservedName,
        createdAtNanos,
        startedAtNanos,
        finishedAtNanos: state === EXITED ? startedAtNanos + SECOND_NANOS : 0n,
        state,
        busy: undefined,
      });
    }
  }
}

interface PodMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

function kubeletLabels({ name, namespace, uid }: PodMetadata): Readonly<Record<string, string>> {
  return {
    "io.kubernetes.pod.name": name,
    "io.kubernetes.pod.namespace": namespace,
    "io.kubernetes.pod.uid": uid,
  };
}

function podLabels(metadata: PodMetadata): Readonly<Record<string, string>> {
  return {
    ...kubeletLabels(metadata),
    "app.kubernetes.io/name": "app",
    "app.kubernetes.io/instance": metadata.name,
    "app.kubernetes.io/version": "1.2.3",
    "pod-template-hash": "5d6c7b8f9",
  };
}

const POD_ANNOTATIONS = {
  "kubernetes.io/config.seen": "2026-11-21T09:14:03.123456789Z",
  "kubernetes.io/config.source": "api",
  "prometheus.io/scrape": "true",
};

const CONTAINER_ANNOTATIONS = {
  "io.kubernetes.container.hash": "a1b2c3d4",
  "io.kubernetes.container.restartCount": "0",
  "io.kubernetes.container.terminationMessagePath": "/dev/termination-log",
  "io.kubernetes.container.terminationMessagePolicy": "File",
  "io.kubernetes.pod.terminationGracePeriod": "30",
};

function newID(): string {
  return randomBytes(32).toString("hex");
}
