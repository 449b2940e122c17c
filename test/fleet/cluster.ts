/** What a fleet needs of the cluster that it lives in: everything that can be taken away from it, and given back. */
import type { ApiClient } from "../scenarios/api-client.ts";

export interface FleetCluster {
  /** Past everything that may fail. */
  readonly direct: ApiClient;
  /** As everybody in the cluster sends; new after each time that the API server was away. */
  readonly send: ApiClient["send"];
  readonly apiAway: () => Promise<void>;
  readonly apiBack: () => Promise<void>;
  readonly webhookAway: () => Promise<void>;
  readonly webhookBack: () => Promise<void>;
  readonly close: () => Promise<void>;
}
