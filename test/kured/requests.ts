/** kured's requests, in the shapes that were seen on the wire (facts/kured-observed.md 1), and what came of each. */
import { annotationPointer } from "../../kube/annotation-pointer.ts";
import type { ApiAnswer, ApiRequest } from "../scenarios/api-client.ts";

/** As kured's pod: by its token, or impersonated. */
export type Send = (request: ApiRequest) => Promise<ApiAnswer>;

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  /** 0: no answer. */
  readonly status: number;
}

/** An answer that kured takes for a failure. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** A Node as kured holds it in memory: what it read, and the cordon as it believes it to be. */
export interface KuredNode {
  readonly object: Fields;
  unschedulable: boolean;
}

export type Fields = Readonly<Record<string, unknown>>;

export class Requests {
  readonly #send: Send;
  readonly #signal: AbortSignal;
  readonly #onSent: (sent: Sent) => void;

  constructor(send: Send, signal: AbortSignal, onSent: (sent: Sent) => void) {
    this.#send = send;
    this.#signal = signal;
    this.#onSent = onSent;
  }

  /** @throws ApiFailure; the signal's reason once it has aborted: nothing is sent by a process that was killed. */
  async call(request: ApiRequest): Promise<Fields> {
    const { method, path, body } = request;
    this.#signal.throwIfAborted();
    let answer: ApiAnswer;
    try {
      answer = await this.#send(request);
    } catch (cause) {
      this.#onSent({ method, path, body, status: 0 });
      this.#signal.throwIfAborted();
      throw new ApiFailure(`${method} ${path}: no answer`, 0, cause);
    }
    this.#onSent({ method, path, body, status: answer.status });
    this.#signal.throwIfAborted();
    const object = fieldsOf(answer.body);
    if (answer.status >= 200 && answer.status < 300) return object;
    const { message } = object;
    throw new ApiFailure(typeof message === "string" ? message : `HTTP ${answer.status}`, answer.status);
  }

  async getNode(name: string): Promise<KuredNode> {
    const object = await this.call({ method: "GET", path: nodePath(name) });
    return { object, unschedulable: fieldsOf(object["spec"])["unschedulable"] === true };
  }

  async cordon(name: string, desired: boolean): Promise<void> {
    await this.#patch(name, { spec: { unschedulable: desired ? true : null } });
  }

  async label(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#patch(name, { metadata: { labels } });
  }

  /** The whole node as it was read, UID and resourceVersion included. */
  async annotate({ object }: KuredNode, annotations: Readonly<Record<string, string>>): Promise<void> {
    const metadata = fieldsOf(object["metadata"]);
    const all = { ...fieldsOf(metadata["annotations"]), ...annotations };
    await this.#patch(String(metadata["name"]), { ...object, metadata: { ...metadata, annotations: all } });
  }

  async removeAnnotation(name: string, key: string): Promise<void> {
    const path = annotationPointer(key);
    await this.#patch(name, [{ op: "remove", path }], "application/json-patch+json");
  }

  async podsOn(name: string): Promise<readonly Fields[]> {
    const selector = encodeURIComponent(`spec.nodeName=${name}`);
    const { items } = await this.call({
      method: "GET",
      path: `/api/v1/pods?fieldSelector=${selector}&limit=500`,
    });
    return Array.isArray(items) ? items.map(fieldsOf) : [];
  }

  async #patch(
    name: string,
    body: unknown,
    contentType = "application/strategic-merge-patch+json",
  ): Promise<void> {
    await this.call({ method: "PATCH", path: nodePath(name), contentType, body });
  }
}

function nodePath(name: string): string {
  return `/api/v1/nodes/${name}`;
}

/** An unknown value's fields; none where it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
