#!/usr/bin/env node
/** The webhook's program: settings, signals and exit codes; run.ts does the rest. */
import { hostname } from "node:os";
import { pino } from "pino";
import { makeWorld } from "../certs/world.ts";
import { connectInCluster, connectKubeconfig, type KubeConnection } from "../kube/connect.ts";
import packageJson from "../package.json" with { type: "json" };
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
  // After either of these nobody knows what state the process is in; another replica serves meanwhile.
  process.on("uncaughtException", (err) => {
    log.fatal({ err }, "uncaught exception");
    process.exit(1);
  });
  const stop = new AbortController();
  const hurry = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      // A second signal is a person who has no patience for the drain.
      if (stop.signal.aborted) hurry.abort();
      log.info({ signal: name }, "stopping");
      stop.abort();
    });
  }
  let kube: KubeConnection;
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
      stop: stop.signal,
      hurry: hurry.signal,
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
