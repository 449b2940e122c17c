/**
 * Credentials from a program, as a kubeconfig's `exec` asks for them. client-node has this too, but it tells the plugin
 * nothing of itself: client-go sets KUBERNETES_EXEC_INFO (KEP-541), without which some plugins refuse to work, lends
 * them the terminal to ask for a password, and runs them again after a 401.
 */
import { spawn } from "node:child_process";
import { isObject, objectAt, objectsAt, stringsAt, textAt } from "../../kube/json.ts";
import { UserError, EXIT } from "../exit-code.ts";

export interface ExecWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input is a terminal: a plugin may ask. */
  readonly interactive: boolean;
  readonly wallMillis: () => number;
  readonly signal: AbortSignal;
}

/** A token, or a certificate with its key, or both. */
export interface Credential {
  readonly token: string | undefined;
  /** PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly expiresMillis: number | undefined;
}

/** A plugin that prints more is no plugin. */
const MOST_BYTES = 1_048_576;

export class ExecCredentials {
  readonly #exec: unknown;
  readonly #cluster: { readonly server: string; readonly caData: string | undefined };
  readonly #world: ExecWorld;
  readonly #closed = new AbortController();
  #kept: Promise<Credential> | undefined;
  #keptValue: Credential | undefined;

  /** @param exec the kubeconfig user's `exec`, not yet believed. */
  constructor(exec: unknown, cluster: { server: string; caData: string | undefined }, world: ExecWorld) {
    this.#exec = exec;
    this.#cluster = cluster;
    this.#world = world;
  }

  /** The same object until it runs out or `expire` is called. @throws UserError if the plugin gives none. */
  async credential(): Promise<Credential> {
    const { expiresMillis } = this.#keptValue ?? {};
    if (expiresMillis !== undefined && expiresMillis <= this.#world.wallMillis()) this.expire();
    // Two requests at once ask the plugin once: it may open a browser.
    this.#kept ??= this.#run();
    try {
      this.#keptValue = await this.#kept;
      return this.#keptValue;
    } catch (thrown) {
      this.expire();
      throw thrown;
    }
  }

  /** The next request runs the plugin again. */
  expire(): void {
    this.#kept = undefined;
    this.#keptValue = undefined;
  }

  /** Ends a plugin that still runs: whoever waited for it has given up. */
  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<Credential> {
    const command = textAt(this.#exec, "command") ?? "";
    if (command === "") throw new UserError("kubeconfig: the user's exec has no command");
    const apiVersion = textAt(this.#exec, "apiVersion") ?? "client.authentication.k8s.io/v1";
    const mode = textAt(this.#exec, "interactiveMode") ?? "IfAvailable";
    if (mode === "Always" && !this.#world.interactive) {
      throw new UserError(`kubeconfig: exec plugin ${command} wants a terminal, and there is none`);
    }
    const interactive = mode !== "Never" && this.#world.interactive;
    const wantsCluster = isObject(this.#exec) && this.#exec["provideClusterInfo"] === true;
    const { server, caData } = this.#cluster;
    const info = {
      kind: "ExecCredential",
      apiVersion,
      spec: {
        ...(wantsCluster
          ? { cluster: { server, ...(caData === undefined ? {} : { "certificate-authority-data": caData }) } }
          : {}),
        interactive,
      },
    };
    const printed = await this.#start(command, interactive, {
      ...this.#world.env,
      ...envOf(this.#exec),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    });
    return parseCredential(printed, command);
  }

  async #start(
    command: string,
    interactive: boolean,
    env: Record<string, string | undefined>,
  ): Promise<string> {
    const child = spawn(command, [...stringsAt(this.#exec, "args")], {
      stdio: [interactive ? "inherit" : "ignore", "pipe", "inherit"],
      env,
      signal: AbortSignal.any([this.#world.signal, this.#closed.signal]),
      killSignal: "SIGKILL",
    });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) child.kill("SIGKILL");
      else chunks.push(chunk);
    });
    child.once("error", (cause) => {
      const hint = textAt(this.#exec, "installHint");
      const advice = hint === undefined ? "" : `; ${hint.trim()}`;
      reject(new UserError(`exec plugin ${command}: ${cause.message}${advice}`, EXIT.usage, cause));
    });
    child.once("close", (code, killed) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString("utf8"));
      else
        reject(
          new UserError(`exec plugin ${command} failed: ${killed ?? `exit code ${code}`}`, EXIT.noAnswer),
        );
    });
    return promise;
  }
}

function parseCredential(text: string, command: string): Credential {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`exec plugin ${command}: printed no JSON`, EXIT.noAnswer, cause);
  }
  const status = objectAt(json, "status");
  const token = textAt(status, "token");
  const cert = textAt(status, "clientCertificateData");
  const key = textAt(status, "clientKeyData");
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw new UserError(
      `exec plugin ${command}: printed neither a token nor a certificate with its key`,
      EXIT.noAnswer,
    );
  }
  const millis = Date.parse(textAt(status, "expirationTimestamp") ?? "");
  return { token, cert, key, expiresMillis: Number.isNaN(millis) ? undefined : millis };
}

function envOf(exec: unknown): Record<string, string> {
  const entries: [string, string][] = [];
  for (const one of objectsAt(exec, "env")) {
    const [name, value] = [textAt(one, "name"), textAt(one, "value")];
    if (name !== undefined && value !== undefined) entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}
