/** How a kured is set up, from its DaemonSet. Pure. */
import { isObject, objectAt, textAt, type JsonObject } from "../../kube/json.ts";

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
  const spec = objectAt(objectAt(objectAt(daemonSet, "spec"), "template"), "spec");
  const containers: unknown = spec?.["containers"];
  const container = (Array.isArray(containers) ? containers : []).filter(isObject).find(runsKured);
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

/** By the image's name or by the program's. */
function runsKured(container: JsonObject): boolean {
  const image = (textAt(container, "image") ?? "").split("@")[0] ?? "";
  const [program = ""] = textsIn(container, "command");
  return /(?:^|\/)kured(?::[^/]*)?$/.test(image) || /(?:^|\/)kured$/.test(program);
}

/** kured reads KURED_NAME after its flags, so the environment wins (kubereboot/kured: cmd/kured/main.go). */
function settingOf(container: JsonObject, name: string): string | undefined {
  const variable = `KURED_${name.toUpperCase().replaceAll("-", "_")}`;
  const env = container["env"];
  const variables = (Array.isArray(env) ? env : []).filter(isObject);
  const set = variables.find((one) => textAt(one, "name") === variable);
  const fromEnv = textAt(set, "value");
  if (fromEnv !== undefined) return fromEnv;
  const words = [...textsIn(container, "command"), ...textsIn(container, "args")];
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

function textsIn(container: JsonObject, key: string): readonly string[] {
  const list = container[key];
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
}
