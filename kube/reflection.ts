/**
 * What is wanted of each object of one list, kept up to date by a list and watches that follow it. client-node's informer
 * stops at the first network fault and keeps whole objects.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMillis, type BackoffBounds } from "../program/backoff.ts";
import { failureOf, KubeError } from "./failure.ts";
import { isObject, objectAt, textAt, type JsonObject } from "./json.ts";
import type { WatchingConnection } from "./watch.ts";

export interface ReflectionTimes {
  /** Length that the API server is asked to give each watch; a new one then goes on from where it ended. */
  readonly watchMillis: number;
  /** How much longer than that is waited for its end. */
  readonly graceMillis: number;
  /** Without a sign of life from the API server for so long, nothing is known any more. */
  readonly staleMillis: number;
  readonly backoff: BackoffBounds;
}

export const REFLECTION_TIMES: ReflectionTimes = {
  watchMillis: 60_000,
  graceMillis: 10_000,
  staleMillis: 150_000,
  backoff: { firstMillis: 1_000, maxMillis: 30_000 },
};

export interface ReflectionOptions<T> {
  /** e.g. `Nodes`. */
  readonly title: string;
  readonly path: string;
  /** e.g. `NodeList`. */
  readonly kind: string;
  readonly fieldSelector?: string;
  /** Objects in one answer, so that its size stays below what is read at most. */
  readonly pageSize: number;
  /** What is kept of an object; undefined = nothing. Must not keep the object itself. */
  readonly keep: (object: JsonObject) => T | undefined;
  readonly times: ReflectionTimes;
  readonly monotonicMillis: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Called on each failure and after each list. Failures repeat; the caller tells news from repetition. */
  readonly onState: (state: "listed" | { readonly failed: unknown }) => void;
}

export interface Reflection<T> {
  /** By name; undefined before the first list, and when the API server has been silent for too long. */
  items(): ReadonlyMap<string, T> | undefined;
  /** Works until the signal; never rejects. RBAC: list and watch. */
  run(signal: AbortSignal): Promise<void>;
}

const MOST_PAGES = 5_000;
/** A watch that ends sooner counts as a failure, so that a server which ends all of them is not asked in a loop. */
const SHORT_WATCH_PART = 0.02;

export function makeReflection<T>(kube: WatchingConnection, options: ReflectionOptions<T>): Reflection<T> {
  const { title, path, kind, fieldSelector, keep, times, monotonicMillis } = options;
  let kept: Map<string, T> | undefined;
  /** Where the next watch goes on; undefined = a list comes first. */
  let version: string | undefined;
  let contactMillis = Number.NEGATIVE_INFINITY;
  const selection = fieldSelector === undefined ? {} : { fieldSelector };

  function isStale(): boolean {
    return monotonicMillis() - contactMillis > times.staleMillis;
  }

  function touch(): void {
    contactMillis = monotonicMillis();
  }

  async function list(signal: AbortSignal): Promise<void> {
    const doing = `list ${title}`;
    const found = new Map<string, T>();
    const bad = (sentence: string) => new KubeError(doing, { kind: "garbage", sentence });
    let more: Readonly<Record<string, string>> = {};
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const query = { limit: `${options.pageSize}`, ...selection, ...more };
      const answer = await kube.request({ doing, method: "GET", path, query, signal });
      const items = isObject(answer) && textAt(answer, "kind") === kind ? (answer["items"] ?? []) : undefined;
      if (!Array.isArray(items)) throw bad(`the answer is no ${kind}`);
      for (const item of items) if (isObject(item)) put(found, item);
      const metadata = objectAt(answer, "metadata");
      const next = textAt(metadata, "continue") ?? "";
      if (next !== "") {
        more = { continue: next };
        continue;
      }
      const listed = textAt(metadata, "resourceVersion") ?? "";
      if (listed === "") throw bad("the list has no resourceVersion");
      [kept, version] = [found, listed];
      touch();
      options.onState("listed");
      return;
    }
    throw bad("a list without end");
  }

  function put(into: Map<string, T>, object: JsonObject): void {
    const name = textAt(objectAt(object, "metadata"), "name") ?? "";
    const value = keep(object);
    if (name === "") return;
    if (value === undefined) into.delete(name);
    else into.set(name, value);
  }

  /** One watch. @throws KubeError, with 410 if the API server does not know `from` any more. */
  async function follow(into: Map<string, T>, from: string, signal: AbortSignal): Promise<void> {
    const doing = `watch ${title}`;
    // Spread, so that not all watches of all replicas end at once.
    const wantedSeconds = (times.watchMillis / 1_000) * (0.75 + 0.5 * options.random());
    const timeoutSeconds = Math.max(1, Math.ceil(wantedSeconds));
    const events = kube.watch({
      doing,
      path,
      query: {
        ...selection,
        watch: "1",
        allowWatchBookmarks: "true",
        resourceVersion: from,
        timeoutSeconds: `${timeoutSeconds}`,
      },
      timeoutMillis: timeoutSeconds * 1_000 + times.graceMillis,
      onOpen: touch,
      signal,
    });
    for await (const event of events) {
      const object = objectAt(event, "object") ?? {};
      const metadata = objectAt(object, "metadata");
      switch (textAt(event, "type") ?? "") {
        case "ADDED":
        case "MODIFIED":
          put(into, object);
          break;
        case "DELETED":
          into.delete(textAt(metadata, "name") ?? "");
          break;
        case "BOOKMARK":
          break;
        default: {
          const code = object["code"];
          const sentence = textAt(object, "message") ?? "an event of unknown type";
          const httpStatus = typeof code === "number" ? { httpStatus: code } : {};
          throw new KubeError(doing, { kind: "rejected", sentence, ...httpStatus });
        }
      }
      version = textAt(metadata, "resourceVersion") ?? version;
      touch();
    }
    touch();
  }

  async function round(signal: AbortSignal): Promise<"long" | "short"> {
    // What was given up as too old is read anew: so a server that came back with another past is noticed too.
    if (kept === undefined || version === undefined || isStale()) await list(signal);
    if (kept === undefined || version === undefined) return "short";
    const beganMillis = monotonicMillis();
    await follow(kept, version, signal);
    return monotonicMillis() - beganMillis < times.watchMillis * SHORT_WATCH_PART ? "short" : "long";
  }

  return {
    items: () => (isStale() ? undefined : kept),
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        try {
          failures = (await round(signal)) === "short" ? failures + 1 : 0;
        } catch (thrown) {
          if (signal.aborted) return;
          failures += 1;
          const failure = failureOf(thrown);
          // Not for other failures: a list of 5,000 nodes is work for an API server that has just come back.
          if (failure.httpStatus === 410) version = undefined;
          options.onState({ failed: thrown });
        }
        if (failures > 0) {
          const pauseMillis = backoffMillis(failures, times.backoff, options.random());
          // Ends early with the signal, which the loop then sees.
          await sleep(pauseMillis, undefined, { signal, ref: false }).catch(() => {});
        }
      }
    },
  };
}
