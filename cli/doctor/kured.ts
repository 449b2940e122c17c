/** How a kured is set up, from its DaemonSet. Pure. */
import { objectAt, objectsAt, stringsAt, textAt, type JsonObject } from "../../kube/json.ts";
import { podSpecIn } from "./workload.ts";

/** What answers on a node whether it may reboot (docs/gate.md). */
export const GATE = "/run/nodelatch/verify";

export interface Kured {
  /** NAMESPACE/NAME of the DaemonSet. */
  readonly daemonSet: string;
  readonly username: string;
  /** undefined: kured's own, /bin/systemctl reboot. */
  readonly rebootCommand: string | undefined;
  readonly bySignal: boolean;
  readonly forced: boolean;
}

/** Undefined for a DaemonSet that runs something else. */
export function kuredIn(daemonSet: JsonObject): Kured | undefined {
  const spec = podSpecIn(daemonSet);
  const container = objectsAt(spec, "containers").find(runsKured);
  if (container === undefined) return undefined;
  const metadata = objectAt(daemonSet, "metadata");
  const namespace = textAt(metadata, "namespace") ?? "";
  const account = textAt(spec, "serviceAccountName") ?? "default";
  return {
    daemonSet: `${namespace}/${textAt(metadata, "name") ?? ""}`,
    username: `system:serviceaccount:${namespace}:${account}`,
    rebootCommand: settingOf(container, "reboot-command"),
    bySignal: settingOf(container, "reboot-method") === "signal",
    forced: ["true", "1", ""].includes(settingOf(container, "force-reboot") ?? "false"),
  };
}

/** With --reboot-method=signal the command is never run. */
export function asksGate({ rebootCommand = "", bySignal }: Kured): boolean {
  return !bySignal && rebootCommand.includes(GATE);
}

/** By the image's name or by the program's. */
function runsKured(container: JsonObject): boolean {
  const image = (textAt(container, "image") ?? "").split("@")[0] ?? "";
  const [program = ""] = stringsAt(container, "command");
  return /(?:^|\/)kured(?::[^/]*)?$/.test(image) || /(?:^|\/)kured$/.test(program);
}

/** kured reads KURED_NAME after its flags, so the environment wins (kubereboot/kured: cmd/kured/main.go). */
function settingOf(container: JsonObject, name: string): string | undefined {
  const variable = `KURED_${name.toUpperCase().replaceAll("-", "_")}`;
  const set = objectsAt(container, "env").find((one) => textAt(one, "name") === variable);
  const fromEnv = textAt(set, "value");
  if (fromEnv !== undefined) return fromEnv;
  const words = [...stringsAt(container, "command"), ...stringsAt(container, "args")];
  let found: string | undefined;
  for (const [index, word] of words.entries()) {
    if (word === `--${name}`) found = words[index + 1]?.startsWith("--") === false ? words[index + 1] : "";
    else if (word.startsWith(`--${name}=`)) found = unquoted(word.slice(`--${name}=`.length));
  }
  return found;
}

/** Manifests often carry the quotes of a shell that is not there; kured's own examples do. */
function unquoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? text;
}
