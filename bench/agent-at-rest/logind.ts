/** A system bus with a logind on it that is not about to shut anything down, and the program that takes its lock. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBroker, createConnection, Variant, type Message } from "dbus-native";
import { codeOf } from "../../daemonset/host/reason.ts";
import { BUS, INHIBIT } from "./places.ts";

/** Beside the program: the reason that its caller gave. */
const REASON = "inhibit.why";

const CALL = 1;
const ANSWER = 2;

/** Resolves once logind is on the bus. */
export async function startLogind(folder: string): Promise<void> {
  writeFileSync(
    join(folder, INHIBIT),
    `#!/bin/sh\nfor word; do case "$word" in --why=*) printf %s "\${word#--why=}" > '${join(folder, REASON)}';; esac; done\nexec cat\n`,
  );
  chmodSync(join(folder, INHIBIT), 0o755);
  const socket = join(folder, BUS);
  const broker = createBroker({ authMethods: ["EXTERNAL"] });
  await new Promise<void>((resolve, reject) => {
    broker.listen({ socket }, (error) => (error === null ? resolve() : reject(error)));
  });
  const connection = createConnection({ busAddress: `unix:path=${socket}`, authMethods: ["EXTERNAL"] });
  let serial = 0;
  const send = (message: Message): void => void connection.message({ ...message, serial: (serial += 1) });
  const named = Promise.withResolvers<void>();
  connection.on("error", (error) => named.reject(error));
  connection.on("message", ({ type, replySerial, sender, serial: asked, member, body }) => {
    if (type === ANSWER && replySerial === 2) named.resolve();
    if (type !== CALL || sender === undefined || asked === undefined) return;
    const [signature, value] = answerTo(member ?? "", String(body?.[1]), folder);
    send({ type: ANSWER, destination: sender, replySerial: asked, signature, body: [value] });
  });
  const bus = "org.freedesktop.DBus";
  const call = { type: CALL, destination: bus, path: "/org/freedesktop/DBus", interface: bus };
  send({ ...call, member: "Hello" });
  send({ ...call, member: "RequestName", signature: "su", body: ["org.freedesktop.login1", 0] });
  await named.promise;
}

function answerTo(member: string, property: string, folder: string): readonly [string, unknown] {
  if (member === "ListInhibitors") {
    return ["a(ssssuu)", [["shutdown", "nodelatch-agent", reasonIn(folder), "delay", 0, 1]]];
  }
  return property === "InhibitDelayMaxUSec"
    ? ["v", new Variant("t", 5_000_000n)]
    : ["v", new Variant("b", false)];
}

function reasonIn(folder: string): string {
  try {
    return readFileSync(join(folder, REASON), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
