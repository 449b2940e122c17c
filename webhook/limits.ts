/** Bounds of the webhook server; every one has a default. */
export interface Limits {
  /** Reviews being answered at once; more get 503 and Retry-After. Defaults to 256. */
  readonly maxInFlight: number;
  /** Bodies in memory at once, in bytes together. Defaults to 64 MiB: nine of the largest, thousands of usual ones. */
  readonly maxBodyBytesInFlight: number;
  /** For one body. Defaults to 7 MiB (body.ts). */
  readonly maxBodyBytes: number;
  /** For one review, from its headers to its answer, where the caller does not ask for less. Defaults to 10_000. */
  readonly requestDeadlineMillis: number;
  /** For the headers of a request. Defaults to 32_000, as controller-runtime (internal/httpserver). */
  readonly headersTimeoutMillis: number;
  /** TCP connections. Defaults to 1_000: an API server keeps up to 25 idle and as many as it has calls. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxInFlight: 256,
  maxBodyBytesInFlight: 64 * 1024 * 1024,
  maxBodyBytes: 7 * 1024 * 1024,
  requestDeadlineMillis: 10_000,
  headersTimeoutMillis: 32_000,
  maxConnections: 1_000,
};
