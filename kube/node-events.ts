/**
 * Events on Nodes, as `kubectl describe node` and `kubectl get events` show them. The same event within a window
 * counts up instead of piling up, and a budget per node keeps a stubborn client from filling etcd.
 */
import { EventBudget } from "./event-budget.ts";
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf } from "./failure.ts";

export interface NodeEvent {
  readonly nodeName: string;
  /** metadata.uid of the Node; "" if not known. */
  readonly nodeUid: string;
  readonly type: "Normal" | "Warning";
  /** CamelCase, machine-readable, e.g. `UncordonRefused`. */
  readonly reason: string;
  readonly message: string;
}

/** created: a new Event. counted: an earlier one now has a higher count. merged, limited: counted with a later write. */
export type PostOutcome = "created" | "counted" | "merged" | "limited";

export interface NodeEvents {
  /** @throws KubeError if the write did not work; it is not tried again before the next post. */
  post(event: NodeEvent, signal: AbortSignal): Promise<PostOutcome>;
}

export interface NodeEventsOptions {
  /** e.g. `nodelatch-webhook`. */
  readonly component: string;
  /** Which replica, e.g. the pod's name. */
  readonly instance: string;
  readonly wallMillis: () => number;
  readonly monotonicMillis: () => number;
  /** A short random lower-case text for Event names. */
  readonly randomSuffix: () => string;
  /** Defaults to 10 minutes, as client-go's correlator. */
  readonly windowMillis?: number;
  /** Defaults to 10 writes at once, 5 of them for new Events alone, then one per 30 s, for each of 1,000 nodes. */
  readonly budget?: EventBudget;
}

interface Series {
  name: string;
  count: number;
  readonly firstMillis: number;
  lastMillis: number;
  lastMonotonicMillis: number;
  written: boolean;
  writing: boolean;
}

const MAX_SERIES = 1_000;
/** What events.k8s.io/v1 allows for a note; core/v1 shows no more either. */
const MAX_MESSAGE_CHARACTERS = 1_024;
/** Events of objects without a namespace live in "default": the API server refuses any other. */
const NAMESPACE = "default";

/** The real one. RBAC: `create`, `patch` on events in namespace default. */
export function makeNodeEvents(kube: KubeConnection, options: NodeEventsOptions): NodeEvents {
  const windowMillis = options.windowMillis ?? 600_000;
  const budget =
    options.budget ?? new EventBudget({ burst: 10, keptForNews: 5, refillMillis: 30_000, maxNodes: 1_000 });
  const mayWrite = (node: string, what: "news" | "count"): boolean =>
    budget.take(node, options.monotonicMillis(), what);
  const known = new Map<string, Series>();
  const collection = apiPath("api", "v1", "namespaces", NAMESPACE, "events");

  function seriesOf(event: NodeEvent): Series {
    const key = JSON.stringify([event.nodeName, event.nodeUid, event.type, event.reason, event.message]);
    const now = options.monotonicMillis();
    const found = known.get(key);
    known.delete(key);
    const fresh = found !== undefined && now - found.lastMonotonicMillis <= windowMillis;
    const series: Series = fresh
      ? found
      : {
          name: eventName(event.nodeName, options.randomSuffix()),
          count: 0,
          firstMillis: options.wallMillis(),
          lastMillis: 0,
          lastMonotonicMillis: now,
          written: false,
          writing: false,
        };
    // Set again at the end, so that the map's order is that of the last use.
    known.set(key, series);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_SERIES) break;
      known.delete(oldest);
    }
    series.count += 1;
    series.lastMillis = options.wallMillis();
    series.lastMonotonicMillis = now;
    return series;
  }

  async function count(series: Series, signal: AbortSignal): Promise<boolean> {
    try {
      await kube.request({
        doing: `count Event ${NAMESPACE}/${series.name}`,
        method: "PATCH",
        path: collection + apiPath(series.name),
        contentType: "application/merge-patch+json",
        body: { count: series.count, lastTimestamp: timestamp(series.lastMillis) },
        signal,
      });
      return true;
    } catch (thrown) {
      // The API server forgets Events after an hour by default, people delete them.
      if (failureOf(thrown).kind === "not-found") return false;
      throw thrown;
    }
  }

  async function write(
    event: NodeEvent,
    series: Series,
    signal: AbortSignal,
  ): Promise<"created" | "counted"> {
    if (series.written) {
      if (await count(series, signal)) return "counted";
      series.written = false;
      series.name = eventName(event.nodeName, options.randomSuffix());
    }
    const { component, instance } = options;
    const body = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: series.name, namespace: NAMESPACE },
      // `kubectl describe node` looks for the Node's uid and, for the kubelet's sake, for its name as a uid
      // (kubernetes#106485); the true uid also keeps a later node of the same name apart.
      involvedObject: {
        apiVersion: "v1",
        kind: "Node",
        name: event.nodeName,
        uid: event.nodeUid === "" ? event.nodeName : event.nodeUid,
      },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, MAX_MESSAGE_CHARACTERS),
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
      firstTimestamp: timestamp(series.firstMillis),
      lastTimestamp: timestamp(series.lastMillis),
      count: series.count,
    };
    const doing = `post Event ${event.reason} on Node ${event.nodeName}`;
    await kube.request({ doing, method: "POST", path: collection, body, signal });
    series.written = true;
    return "created";
  }

  return {
    async post(event, signal) {
      const series = seriesOf(event);
      if (series.writing) return "merged";
      if (!mayWrite(event.nodeName, series.written ? "count" : "news")) return "limited";
      series.writing = true;
      try {
        let outcome: PostOutcome;
        let wrote: number;
        do {
          wrote = series.count;
          outcome = await write(event, series, signal);
          // Posts that came meanwhile only raised the count.
        } while (series.count > wrote && mayWrite(event.nodeName, "count"));
        return outcome;
      } finally {
        series.writing = false;
      }
    },
  };
}

function eventName(nodeName: string, suffix: string): string {
  // Names end at 253 characters; a node's own name may be as long.
  return `${nodeName.slice(0, 220).replace(/[-.]+$/, "")}.${suffix}`;
}

/** metav1.Time has whole seconds. */
function timestamp(millis: number): string {
  return new Date(millis).toISOString().replace(/\.\d+Z$/, "Z");
}
