/** What is asked of an API server, and who asks: the same over client-node (connection.ts) and node:https (lean/). */

export interface KubeCall {
  /** For error messages: a verb phrase, e.g. `read Secret nodelatch-system/tls`. */
  readonly doing: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path, names in it already encoded by `apiPath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Defaults to application/json; a patch says which of the three it is. */
  readonly contentType?:
    | "application/json"
    | "application/json-patch+json"
    | "application/merge-patch+json"
    | "application/strategic-merge-patch+json";
  /** Defaults to 10_000: long enough for a busy control plane, short enough for a caller that polls. */
  readonly timeoutMillis?: number;
  /** True if sending it twice does no harm; then one lost connection is forgiven. GET always is. */
  readonly repeatable?: boolean;
  readonly signal: AbortSignal;
}

export interface KubeConnection {
  /** Base URL, for messages. */
  readonly server: string;
  /** The namespace of the kubeconfig context or of our own pod, if known. */
  readonly namespace: string | undefined;
  /**
   * The JSON of a 2xx answer.
   * @throws KubeError for everything else.
   */
  request(call: KubeCall): Promise<unknown>;
  /**
   * API server's clock minus ours, from the Date header of the latest answer; 0 before the first. "Ours" is
   * `steadyMillis`, unless the connection was made with another clock.
   */
  clockOffsetMillis(): number;
  close(): Promise<void>;
}

/** Joins a path from its segments, each encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}
