/** What the cluster shows of KubeEdge and its nodes, watched and kept, so that no review waits for the API server. */
import type { Logger } from "pino";
import { setTimeout as sleep } from "node:timers/promises";
import { apiPath } from "../kube/call.ts";
import { failureOf } from "../kube/failure.ts";
import { objectAt, textAt } from "../kube/json.ts";
import {
  makeReflection,
  type Reflection,
  type ReflectionOptions,
  type ReflectionTimes,
} from "../kube/reflection.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import type { ClusterFacts, NodeFact, SecretForm } from "../prepull/facts.ts";
import { readCloudcore, readControllerManager, readNodeFact, readSecretForm } from "../prepull/read-facts.ts";

export interface ClusterFactsOptions {
  /** Where KubeEdge's cloud side runs. */
  readonly namespace: string;
  readonly secretNamespaces: readonly string[];
  readonly times: ReflectionTimes;
  /** Between two looks whether there is KubeEdge at all. */
  readonly absentMillis: number;
  readonly monotonicMillis: () => number;
  readonly random: () => number;
  readonly log: Logger;
}

export interface WatchedFacts {
  /** What is known now; at once. */
  read(): ClusterFacts;
  /**
   * Works until the signal; never rejects. RBAC: list and watch nodes, the ConfigMap cloudcore, the Deployment
   * kubeedge-controller-manager, and secrets in their namespaces.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** A Node with its list of images has about 20 kB, so a page is about 2 of the 8 MiB that an answer may have. */
const NODES_PAGE = 100;
/** A Secret may have 1 MiB, in base64 a third more. */
const SECRETS_PAGE = 5;
const ONE_PAGE = 10;

export function makeClusterFacts(kube: WatchingConnection, options: ClusterFactsOptions): WatchedFacts {
  const { namespace, secretNamespaces, times, monotonicMillis, random, log } = options;

  function reflect<T>(
    part: Pick<ReflectionOptions<T>, "title" | "path" | "kind" | "fieldSelector" | "pageSize" | "keep">,
  ) {
    const { title } = part;
    let isKnown: boolean | undefined;
    return makeReflection<T>(kube, {
      ...part,
      times,
      monotonicMillis,
      random,
      onState: (state) => {
        const now = state === "listed";
        if (now === isKnown) return;
        isKnown = now;
        if (state === "listed") log.info({ what: title }, "cluster facts are read");
        else log.warn({ what: title, err: state.failed }, "cluster facts can't be read");
      },
    });
  }

  const nodes = reflect<NodeFact>({
    title: "Nodes",
    path: apiPath("api", "v1", "nodes"),
    kind: "NodeList",
    pageSize: NODES_PAGE,
    keep: readNodeFact,
  });
  const cloudcore = reflect({
    title: `ConfigMap ${namespace}/cloudcore`,
    path: apiPath("api", "v1", "namespaces", namespace, "configmaps"),
    kind: "ConfigMapList",
    fieldSelector: "metadata.name=cloudcore",
    pageSize: ONE_PAGE,
    keep: (configMap) => readCloudcore(textAt(objectAt(configMap, "data"), "cloudcore.yaml")),
  });
  const controllerManager = reflect({
    title: `Deployment ${namespace}/${CONTROLLER_MANAGER}`,
    path: apiPath("apis", "apps", "v1", "namespaces", namespace, "deployments"),
    kind: "DeploymentList",
    fieldSelector: `metadata.name=${CONTROLLER_MANAGER}`,
    pageSize: ONE_PAGE,
    keep: (deployment) => readControllerManager([deployment]),
  });
  const secrets = new Map<string, Reflection<SecretForm>>(
    secretNamespaces.map((name) => [
      name,
      reflect({
        title: `Secrets of ${name}`,
        path: apiPath("api", "v1", "namespaces", name, "secrets"),
        kind: "SecretList",
        // Those of Helm are many and large, and no login.
        fieldSelector: "type!=helm.sh/release.v1",
        pageSize: SECRETS_PAGE,
        keep: readSecretForm,
      }),
    ]),
  );

  /** A Deployment that is not where a cloudcore is: most likely KubeEdge runs in another namespace. */
  function controllerManagerState(): ClusterFacts["controllerManager"] {
    const deployments = controllerManager.items();
    if (deployments === undefined) return "unknown";
    const found = deployments.get(CONTROLLER_MANAGER);
    if (found !== undefined) return found;
    return (cloudcore.items()?.size ?? 0) > 0 ? "missing" : "unknown";
  }

  return {
    read() {
      const config = cloudcore.items()?.get("cloudcore") ?? readCloudcore(undefined);
      const readable = [...secrets].flatMap(([name, reflection]) => {
        const forms = reflection.items();
        return forms === undefined ? [] : [[name, forms] as const];
      });
      return {
        nodes: nodes.items(),
        ...config,
        controllerManager: controllerManagerState(),
        secrets: new Map(readable),
      };
    },
    async run(signal) {
      // Without KubeEdge's CRDs there are no jobs to judge, and nothing is watched.
      while (!signal.aborted && !(await isKubeEdgeThere(kube, signal))) {
        await sleep(options.absentMillis, undefined, { signal, ref: false }).catch(() => {});
      }
      const all = [nodes, cloudcore, controllerManager, ...secrets.values()];
      await Promise.all(all.map(async (reflection) => reflection.run(signal)));
    },
  };
}

const CONTROLLER_MANAGER = "kubeedge-controller-manager";

/** Any failure but "there is no such API group" is for the watches to tell. */
async function isKubeEdgeThere(kube: WatchingConnection, signal: AbortSignal): Promise<boolean> {
  try {
    const path = apiPath("apis", "operations.kubeedge.io");
    await kube.request({ doing: "ask for KubeEdge's API group", method: "GET", path, signal });
    return true;
  } catch (thrown) {
    const { kind } = failureOf(thrown);
    return kind !== "not-found" && kind !== "aborted";
  }
}
