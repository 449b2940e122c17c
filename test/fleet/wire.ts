/**
 * The way of every simulated process to the API server: each request goes out when its time has come, may get lost on its
 * way there or back, and is then looked at by whoever keeps the books.
 */
import { failureOfStatus, KubeError } from "../../kube/failure.ts";
import type { KubeCall, KubeConnection } from "../../kube/call.ts";
import type { ApiAnswer, ApiRequest, Identity } from "../scenarios/api-client.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Who sends, for the books: a process that is one thing to the API server may be two here. */
export interface Sender {
  readonly role: "kubelet" | "agent" | "tool" | "stranger";
  readonly as: Identity;
}

export type Loss = "none" | "request" | "answer";

/** Sees each request that has reached the API server; `answer` is undefined where nobody knows what came of it. */
export type Watcher = (sender: Sender, request: ApiRequest, answer: ApiAnswer | undefined) => Promise<void>;

export interface WireParts {
  readonly time: VirtualTime;
  readonly send: (request: ApiRequest) => Promise<ApiAnswer>;
  readonly watch: Watcher;
}

export type Send = (request: ApiRequest) => Promise<ApiAnswer>;

export class Wire {
  readonly #parts: WireParts;
  /** How often something got lost. */
  losses = 0;
  requests = 0;

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  /**
   * @param dice decides how long the request is on its way, and `loss` whether it or its answer gets lost.
   * @returns a function that rejects as a client does whose connection ended.
   */
  for(sender: Sender, dice: () => number, loss: () => Loss): Send {
    return (request) =>
      new Promise((resolve, reject) => {
        const lost = loss();
        const millis = 5 + dice() * 100;
        this.#parts.time.after(millis, async () => {
          if (lost !== "none") this.losses += 1;
          if (lost === "request") {
            reject(new Error("the connection ended before the request was sent"));
            return;
          }
          const answer = await this.#deliver(sender, request);
          if (answer === undefined || lost === "answer") reject(new Error("the connection ended"));
          else resolve(answer);
        });
      });
  }

  async #deliver(sender: Sender, request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { send, watch } = this.#parts;
    this.requests += 1;
    const answer = await send({ ...request, as: sender.as }).catch(() => undefined);
    await watch(sender, request, answer);
    return answer;
  }
}

/** For code that speaks to the API server through kube/. */
export function connectionOver(send: Send): KubeConnection {
  return {
    server: "https://simulated",
    namespace: undefined,
    async request({ doing, method, path, query, body, contentType }: KubeCall) {
      const search = query === undefined ? "" : `?${new URLSearchParams(query).toString()}`;
      let answer: ApiAnswer;
      try {
        const content = contentType === undefined ? {} : { contentType };
        answer = await send({ method, path: `${path}${search}`, body, ...content });
      } catch (cause) {
        throw new KubeError(doing, { kind: "network", sentence: "the connection ended" }, cause);
      }
      const failure = failureOfStatus(answer.status, answer.body, {});
      if (failure !== undefined) throw new KubeError(doing, failure);
      return answer.body;
    },
    // Simulated processes and the API server share this machine's clock.
    clockOffsetMillis: () => 0,
    close: async () => {},
  };
}
