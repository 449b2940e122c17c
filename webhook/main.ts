#!/usr/bin/env node
/** The webhook's program: settings, signals and exit codes; run.ts does the rest. */
import { hostname } from "node:os";
import { pino } from "pino";
import { makeWorld } from "../certs/world.ts";
import { connectInCluster, connectKubeconfig } from "../kube/connect.ts";
import type { WatchingConnection } from "../kube/watch.ts";
import packageJson from "../package.json" with { type: "json" };
import { exitOnUncaught, stopSignals } from "../program/process.ts";
import { readConfig, type Config } from "./config.ts";
import { runWebhook } from "./run.ts";

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const read = readConfig(argv, env);
  switch (read.kind) {
    case "help":
      console.log(read.text);
      return 0;
    case "version":
      console.log(packageJson.version);
      return 0;
    case "bad":
      for (const problem of read.problems) console.error(`nodelatch-webhook: ${problem}`);
      return 2;
    case "run":
      return run(read.config, env);
  }
}

async function run(config: Config, env: NodeJS.ProcessEnv): Promise<number> {
  const log = pino({ level: config.logLevel, base: { program: "nodelatch-webhook" } });
  exitOnUncaught(log);
  const { stop, hurry } = stopSignals(log);
  let kube: WatchingConnection;
  try {
    kube = config.kubeconfig === "" ? await connectInCluster({ env }) : connectKubeconfig(config.kubeconfig);
  } catch (err) {
    log.fatal({ err }, "connect to the API server");
    return 1;
  }
  try {
    const world = makeWorld(() => kube.clockOffsetMillis());
    const instance = env["POD_NAME"] ?? hostname();
    await runWebhook({
      config,
      kube,
      world,
      log,
      version: packageJson.version,
      instance,
      stop,
      hurry,
    });
    return 0;
  } catch (err) {
    log.fatal({ err }, "run");
    return 1;
  } finally {
    await kube.close();
  }
}

process.exitCode = await main(process.argv.slice(2), process.env);
