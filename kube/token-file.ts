/**
 * A ServiceAccount token from a file, read as client-go reads it: again every minute (the kubelet rotates the file
 * well before the token ends), at once after a 401, and with the old one kept while the file can't be read.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import { isObject } from "./json.ts";

const REREAD_MILLIS = 60_000;

export interface TokenFileOptions {
  readonly path: string;
  readonly readFile: (path: string) => Promise<string>;
  /** Any clock that does not jump. */
  readonly monotonicMillis: () => number;
}

type Authenticator = Parameters<KubeConfig["addAuthenticator"]>[0];
type User = Parameters<Authenticator["applyAuthentication"]>[0];
type RequestOptions = Parameters<Authenticator["applyAuthentication"]>[1];

export class TokenFile implements Authenticator {
  readonly #options: TokenFileOptions;
  #token: string | undefined;
  #readAtMillis = Number.NEGATIVE_INFINITY;

  constructor(options: TokenFileOptions) {
    this.#options = options;
  }

  /** The kubeconfig user that this authenticator answers for. */
  static readonly user = { name: "token-file", authProvider: { name: "nodelatch-token-file" } } as const;

  isAuthProvider(user: User): boolean {
    return user.name === TokenFile.user.name;
  }

  async applyAuthentication(_user: User, request: RequestOptions): Promise<void> {
    const token = await this.read();
    request.headers = { ...headersOf(request.headers), Authorization: `Bearer ${token}` };
  }

  /**
   * The token as it should be sent now.
   * @throws Error if there has never been one to read.
   */
  async read(): Promise<string> {
    const now = this.#options.monotonicMillis();
    if (this.#token !== undefined && now - this.#readAtMillis < REREAD_MILLIS) return this.#token;
    try {
      const text = (await this.#options.readFile(this.#options.path)).trim();
      if (text === "") throw new Error("the file is empty");
      this.#token = text;
      this.#readAtMillis = now;
      return text;
    } catch (cause) {
      if (this.#token !== undefined) return this.#token;
      throw new Error(`read the API token from ${this.#options.path}`, { cause });
    }
  }

  /** Makes the next call read the file again, e.g. because the API server answered 401. */
  expire(): void {
    this.#readAtMillis = Number.NEGATIVE_INFINITY;
  }
}

function headersOf(raw: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(raw) ? raw : {})) {
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}
