/** Pods of one machine in a namespace of their own. */
import { fields, text } from "../../cluster/config/plan.ts";
import { busyboxImage } from "../../cluster/config/machine.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import type { Machine } from "./machine.ts";

export interface PodSeen {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Of the container that the API server knows last. */
  readonly containerID: string;
  /** Why its container does not run; empty if it does. */
  readonly waiting: string;
}

export interface Pods {
  /** Makes pods whose one container runs until it is told to end, and is then started again. */
  create(names: readonly string[]): Promise<void>;
  /** Lets the container that runs end. */
  end(name: string): Promise<void>;
  seen(): Promise<ReadonlyMap<string, PodSeen>>;
  /** Waits until `test` is true of every one of these pods, or throws with what was seen last. */
  waitFor(
    what: string,
    names: readonly string[],
    test: (pod: PodSeen) => boolean,
    deadlineMillis?: number,
  ): Promise<ReadonlyMap<string, PodSeen>>;
  /** Returns when the API server has none of them any more. */
  delete(names: readonly string[]): Promise<void>;
  /** Removes the namespace, without waiting for its end. */
  remove(): Promise<void>;
}

export const isReady = (pod: PodSeen): boolean => pod.ready;
export const isStuck = (pod: PodSeen): boolean => pod.waiting.includes("is reserved for");

/** @param space a namespace; it must not exist. */
export async function openPods({ name: node, cluster }: Machine, space: string): Promise<Pods> {
  await cluster.kubectl(["create", "namespace", space]);
  // A pod made before that is refused.
  await waitFor(
    `the ServiceAccount of ${space}`,
    async () => {
      await cluster.kubectl(["get", "serviceaccount", "default", "-n", space]);
      return { done: true, value: undefined };
    },
    { deadlineMillis: 120_000 },
  );

  async function seen(): Promise<ReadonlyMap<string, PodSeen>> {
    const raw: unknown = JSON.parse(await cluster.kubectl(["get", "pods", "-n", space, "-o", "json"]));
    const items: unknown = fields(raw, "pods")["items"];
    if (!Array.isArray(items)) throw new Error("pods.items: expected a list");
    const pods = items.map((item: unknown) => podSeen(item));
    return new Map(pods.map((pod) => [pod.name, pod]));
  }

  return {
    seen,
    async create(names) {
      const items = names.map((name) => podManifest(name, node));
      const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
      await cluster.kubectl(["create", "-n", space, "-f", "-"], { input });
    },
    async end(name) {
      // A kubelet that has just started does not know its pods yet.
      await waitFor(
        `the container of ${space}/${name} to end`,
        async () => {
          await cluster.kubectl(["exec", "-n", space, name, "--", "touch", "/tmp/end"]);
          return { done: true, value: undefined };
        },
        { deadlineMillis: 120_000 },
      );
    },
    async waitFor(what, names, test, deadlineMillis = 120_000) {
      return waitFor(
        `${what} of ${names.join(", ")} in ${space}`,
        async () => {
          const all = await seen();
          const unfit = names.filter((name) => {
            const pod = all.get(name);
            return pod === undefined || !test(pod);
          });
          if (unfit.length === 0) return { done: true, value: all };
          return { done: false, seen: JSON.stringify(unfit.map((name) => all.get(name) ?? name)) };
        },
        { deadlineMillis, intervalMillis: 500 },
      );
    },
    async delete(names) {
      await cluster.kubectl(["delete", "pod", "-n", space, "--timeout=120s", ...names]);
    },
    async remove() {
      await cluster.tryKubectl(["delete", "namespace", space, "--wait=false"]);
    },
  };
}

function podManifest(name: string, nodeName: string): object {
  const container = {
    name: "app",
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sh", "-c", "while [ ! -e /tmp/end ]; do sleep 0.2; done"],
  };
  const spec = { nodeName, terminationGracePeriodSeconds: 0, containers: [container] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}

function podSeen(raw: unknown): PodSeen {
  const pod = fields(raw, "pod");
  const name = text(fields(pod["metadata"], "pod.metadata")["name"], "pod.metadata.name");
  const statuses: unknown = fields(pod["status"] ?? {}, "pod.status")["containerStatuses"] ?? [];
  const first: unknown = Array.isArray(statuses) ? statuses[0] : undefined;
  const status = fields(first ?? {}, `pod ${name}: containerStatuses[0]`);
  const state = fields(status["state"] ?? {}, `pod ${name}: state`);
  const waiting = fields(state["waiting"] ?? {}, `pod ${name}: waiting`);
  return {
    name,
    ready: status["ready"] === true,
    restarts: Number(status["restartCount"] ?? 0),
    containerID: text(status["containerID"] ?? "", `pod ${name}: containerID`).replace("containerd://", ""),
    waiting: [waiting["reason"], waiting["message"]].filter((word) => typeof word === "string").join(": "),
  };
}
