/** Which kubeconfig counts, and what it says: found and merged as kubectl does, read by client-node. */
import { existsSync } from "node:fs";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { isObject, textAt } from "../../kube/json.ts";
import { UserError } from "../exit-code.ts";

export interface KubeconfigChoice {
  /** --kubeconfig: this file alone, and it must be there. */
  readonly file: string | undefined;
  /** --context; undefined = the current one. */
  readonly context: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/**
 * The configuration with the context set. Of several files in $KUBECONFIG the first that names a thing wins, and those
 * that are missing are passed over (kubernetes.io, "Merging kubeconfig files").
 * @throws UserError naming file, context and what there is instead.
 */
export function readKubeconfig(choice: KubeconfigChoice): KubeConfig {
  const files = filesOf(choice);
  const merged = new KubeConfig();
  for (const file of files) merge(merged, readOne(file));
  const where = files.join(", ");
  const names = merged.getContexts().map(({ name }) => name);
  const wanted = choice.context ?? merged.getCurrentContext() ?? "";
  if (!names.includes(wanted)) {
    const problem = wanted === "" ? "no current context is set" : `context "${wanted}" does not exist`;
    throw new UserError(
      `kubeconfig ${where}: ${problem}; give --context, one of: ${names.join(", ") || "(none)"}`,
    );
  }
  merged.setCurrentContext(wanted);
  for (const [kind, found] of [
    ["cluster", merged.getCurrentCluster()],
    ["user", merged.getCurrentUser()],
  ] as const) {
    if (found !== null) continue;
    throw new UserError(`kubeconfig ${where}: context "${wanted}" names a ${kind} that is not in there`);
  }
  return merged;
}

function filesOf({ file, env, home }: KubeconfigChoice): readonly string[] {
  if (file !== undefined) {
    if (existsSync(file)) return [file];
    throw new UserError(`--kubeconfig=${file}: no such file`);
  }
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const candidates = listed.length > 0 ? listed : [join(home, ".kube", "config")];
  const files = candidates.filter((path) => existsSync(path));
  if (files.length > 0) return files;
  throw new UserError(`no cluster is known: ${candidates.join(", ")} does not exist; give --kubeconfig FILE`);
}

function readOne(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
    config.users = config.users.map((user) => ({ ...user, exec: fromFolder(user.exec, dirname(file)) }));
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new UserError(`kubeconfig ${file}: can't be read: ${why}`, undefined, cause);
  }
  return config;
}

/** A command with a slash in it counts from the folder of its kubeconfig (kubernetes.io, "client-go credential plugins"). */
function fromFolder(exec: unknown, folder: string): unknown {
  const command = textAt(exec, "command");
  if (!isObject(exec) || command === undefined || !command.includes(sep)) return exec;
  return { ...exec, command: resolve(folder, command) };
}

function merge(into: KubeConfig, from: KubeConfig): void {
  const isNew = (list: readonly { readonly name: string }[], name: string): boolean =>
    !list.some((known) => known.name === name);
  for (const cluster of from.clusters) if (isNew(into.clusters, cluster.name)) into.addCluster(cluster);
  for (const user of from.users) if (isNew(into.users, user.name)) into.addUser(user);
  for (const context of from.contexts) if (isNew(into.contexts, context.name)) into.addContext(context);
  const current: string | undefined = into.currentContext;
  if ((current ?? "") === "" && (from.currentContext ?? "") !== "")
    into.setCurrentContext(from.currentContext);
}
