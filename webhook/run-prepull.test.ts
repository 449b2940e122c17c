/** Whether the webhook as it runs looks at the cluster for ImagePrePullJobs at all. */
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../bench/process/free-port.ts";
import { makeWorld } from "../certs/world.ts";
import { KubeError } from "../kube/failure.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import { readConfig } from "./config.ts";
import { runWebhook } from "./run.ts";

const GROUP = "/apis/operations.kubeedge.io";

/** Paths that are asked for until the certificate is looked for, and 100 ms longer. */
async function askedFor(flags: readonly string[]): Promise<readonly string[]> {
  const [port = 0, probePort = 0] = await freePorts(2);
  const ports = [`--port=${port}`, `--probe-port=${probePort}`, "--bind-address=127.0.0.1"];
  const read = readConfig([...ports, ...flags], {});
  if (read.kind !== "run") throw new Error("bad settings");
  const asked: string[] = [];
  const kube: WatchingConnection = {
    server: "https://test",
    namespace: undefined,
    request({ doing, path }) {
      asked.push(path);
      if (path === GROUP) return Promise.resolve({});
      return Promise.reject(new KubeError(doing, { kind: "unavailable", sentence: "no" }));
    },
    async *watch({ doing }) {
      yield* [];
      await Promise.resolve();
      throw new KubeError(doing, { kind: "unavailable", sentence: "no" });
    },
    clockOffsetMillis: () => 0,
    close: () => Promise.resolve(),
  };
  const stop = new AbortController();
  const running = runWebhook({
    config: read.config,
    kube,
    world: makeWorld(() => 0),
    log: pino({ enabled: false }),
    version: "0.0.0-test",
    instance: "test",
    stop: stop.signal,
    hurry: stop.signal,
  });
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await expect.poll(() => asked.some((path) => path.endsWith("/nodelatch-webhook-tls"))).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return asked;
}

test("in mode off nothing is looked at", async () => {
  const asked = await askedFor(["--prepull-mode=off"]);
  expect(asked.filter((path) => path === GROUP || path.includes("nodes"))).toEqual([]);
});

test.each(["enforce", "warn"])(
  "in mode %s: whether there is KubeEdge, then what is allowed",
  async (mode) => {
    const flags = [`--prepull-mode=${mode}`, "--prepull-namespace=edge", "--prepull-secret-namespaces=a,b"];
    const asked = await askedFor(flags);
    for (const path of [
      GROUP,
      "/api/v1/nodes",
      "/api/v1/namespaces/edge/configmaps",
      "/apis/apps/v1/namespaces/edge/deployments",
      "/api/v1/namespaces/a/secrets",
      "/api/v1/namespaces/b/secrets",
    ]) {
      expect(asked).toContain(path);
    }
  },
);
