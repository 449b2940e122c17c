/** Does this node's kubelet (or KubeEdge's edgecore) run? Asked of its own health port, never of the API server. */
import { get } from "node:http";
import { codeOf, reasonOf } from "../reason.ts";

export interface KubeletEndpoint {
  readonly name: "kubelet" | "edgecore";
  readonly url: string;
}

/** Default ports; kubelet's is `healthzPort`, where 0 switches it off. */
export const kubeletEndpoints: readonly KubeletEndpoint[] = [
  { name: "kubelet", url: "http://127.0.0.1:10248/healthz" },
  { name: "edgecore", url: "http://127.0.0.1:10350/healthz/syncloop" },
];

export type KubeletState =
  | { readonly kind: "running"; readonly name: string }
  /** It answered before and its port is closed now. */
  | { readonly kind: "stopped"; readonly name: string }
  | { readonly kind: "unknown"; readonly reason: string };

export interface KubeletProbe {
  /** Asks all endpoints at once. Takes no longer than the deadline; never rejects. */
  look(signal?: AbortSignal): Promise<KubeletState>;
}

type Answer = { readonly kind: "answered" | "refused" } | { readonly kind: "other"; readonly reason: string };

/**
 * "Stopped" lets the agent remove what a running kubelet might be about to start. A closed port alone proves nothing
 * (healthzPort: 0, another address): only a port that was seen open before counts.
 * @param deadlineMillis for each look.
 */
export function makeKubeletProbe(
  endpoints: readonly KubeletEndpoint[] = kubeletEndpoints,
  deadlineMillis = 1_000,
): KubeletProbe {
  const seen = new Set<KubeletEndpoint>();
  return {
    async look(signal) {
      const deadline = AbortSignal.timeout(deadlineMillis);
      const ends = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
      const looks = await Promise.all(
        endpoints.map(async (endpoint) => ({ endpoint, answer: await ask(endpoint.url, ends) })),
      );
      // Any answer counts, a 500 as well: an unhealthy kubelet is a running one.
      const running = looks.find(({ answer }) => answer.kind === "answered");
      for (const { endpoint, answer } of looks) if (answer.kind === "answered") seen.add(endpoint);
      if (running !== undefined) return { kind: "running", name: running.endpoint.name };
      const unclear = looks.find(({ answer }) => answer.kind === "other");
      if (unclear?.answer.kind === "other") {
        return { kind: "unknown", reason: `${unclear.endpoint.name}: ${unclear.answer.reason}` };
      }
      const gone = looks.find(({ endpoint }) => seen.has(endpoint));
      if (gone !== undefined) return { kind: "stopped", name: gone.endpoint.name };
      const urls = endpoints.map(({ url }) => url).join(", ");
      return { kind: "unknown", reason: `nothing has answered yet at ${urls}` };
    },
  };
}

async function ask(url: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const request = get(url, { signal, agent: false }, (response) => {
      response.resume();
      response.on("error", () => {});
      request.destroy();
      resolve({ kind: "answered" });
    });
    request.on("error", (error) => {
      if (codeOf(error) === "ECONNREFUSED") resolve({ kind: "refused" });
      else if (signal.aborted) resolve({ kind: "other", reason: "no answer in time" });
      else resolve({ kind: "other", reason: reasonOf(error) });
    });
  });
}
