/** Puts the gate together: the folder, the server, the API server behind it, and Events about reboots that were refused. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { GateVerdict } from "../../lock/gate.ts";
import type { AgentEvent } from "../containers/announce.ts";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import type { Time } from "../host/time.ts";
import { gateFolder } from "./folder.ts";
import type { Answer } from "./question.ts";
import { makeGateServer, type GateServer, type GateState, type JudgeQuestion } from "./server.ts";

/** The API server as far as the gate needs it. */
export interface GateApi {
  /** A live look. @throws Error if there is no answer. */
  judge(asked: JudgeQuestion, signal: AbortSignal): Promise<GateVerdict>;
  close(): Promise<void>;
}

export interface GateParts {
  /** e.g. `/run/nodelatch`, by the same path on the node. */
  readonly runDir: string;
  readonly hostRoot: string;
  /** Rejects if there are no credentials, for one. */
  readonly connect: () => Promise<GateApi>;
  readonly readBootID: () => Promise<BootIDRead>;
  readonly offer: (events: readonly AgentEvent[]) => void;
  readonly time: Time;
  readonly log: Logger;
}

export function makeGate(parts: GateParts): GateServer {
  let api: Promise<GateApi> | undefined;
  const server = makeGateServer({
    folder: gateFolder(parts.runDir),
    async judge(asked, signal) {
      // Connected only when first asked: most nodes reboot once in months.
      api ??= parts.connect();
      let connected: GateApi;
      try {
        connected = await api;
      } catch (thrown) {
        api = undefined;
        throw thrown;
      }
      return connected.judge(asked, signal);
    },
    readBootID: parts.readBootID,
    readUptime: async () => readUptime(join(parts.hostRoot, "/proc/uptime")),
    onAnswer: (answer) => parts.offer(eventsOf(answer)),
    time: parts.time,
    log: parts.log,
  });
  return {
    async run(signal) {
      await server.run(signal);
      await api?.then(
        async (connected) => connected.close(),
        () => {},
      );
    },
    state: () => server.state(),
  };
}

/** An open gate is followed by a reboot, which everybody sees. */
export function eventsOf({ verdict, words }: Answer): readonly AgentEvent[] {
  if (verdict === "open") return [];
  const message = verdict === "closed" ? words : `no answer to whether it may reboot: ${words}`;
  return [{ type: "Warning", reason: "RebootRefused", message }];
}

/** @throws Error if the file is not what the kernel writes. */
async function readUptime(path: string): Promise<number> {
  const text = await readFile(path, "utf8");
  const seconds = /^(\d+)\.\d+ /.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`${path} holds ${JSON.stringify(text.slice(0, 40))}`);
  return Number(seconds);
}

export function gateStateWords(state: GateState | undefined): string {
  switch (state?.kind) {
    case undefined:
      return "not kept, as the API is switched off";
    case "starting":
      return "not there yet";
    case "serving": {
      const last = state.last === undefined ? "not asked yet" : `last answer: ${state.last}`;
      return `${last}${state.watching ? "" : "; looks each second, as the kernel watches no more files"}`;
    }
    case "failing":
      return `can't be kept, so no reboot is allowed: ${state.reason}`;
  }
}
