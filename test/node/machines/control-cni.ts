// A CNI plugin that gives on what the plugins before it did, as slowly or as badly as its control file says:
// `holdadd SECONDS` (until the file says so no more, for so long at the most) and `faildel TEXT`, one a line. Each call is
// a line of JSON in its log.
import { appendFileSync, existsSync, readFileSync } from "node:fs";

const controlFile = "/run/nodelatch-test/cni";
const logFile = "/var/log/nodelatch-test-cni.log";

const pollMillis = 50;
const control = (): string => (existsSync(controlFile) ? readFileSync(controlFile, "utf8") : "");
const said = (word: string): string | undefined => new RegExp(`^${word} (.*)$`, "m").exec(control())?.[1];
const sleep = (millis: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
const { CNI_COMMAND: command, CNI_CONTAINERID: id, CNI_NETNS: netns } = process.env;
const given: unknown = JSON.parse(readFileSync(0, "utf8"));
const config = typeof given === "object" && given !== null ? given : {};

appendFileSync(logFile, `${JSON.stringify({ command, id, netns })}\n`);
if (command === "VERSION") {
  const supportedVersions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0"];
  console.log(JSON.stringify({ cniVersion: "1.0.0", supportedVersions }));
} else if (command === "ADD") {
  const beganMillis = performance.now();
  while (performance.now() - beganMillis < Number(said("holdadd") ?? 0) * 1_000) sleep(pollMillis);
  console.log(JSON.stringify("prevResult" in config ? config.prevResult : {}));
} else if (command === "DEL" && said("faildel") !== undefined) {
  console.log(JSON.stringify({ cniVersion: "0.4.0", code: 100, msg: said("faildel") }));
  process.exitCode = 1;
}
