/** kured's own locks, each in a DaemonSet's annotation: the embedded API server has no DaemonSets, so they are kept here. */
import { objectAt, textAt } from "../../kube/json.ts";
import type { ApiAnswer, ApiRequest } from "../scenarios/api-client.ts";

const PATH = /^\/apis\/apps\/v1\/namespaces\/[^/]+\/daemonsets\/([^/]+)$/;

export class DaemonSets {
  readonly #stored = new Map<string, { readonly version: number; readonly object: object }>();

  /** Undefined for what is not about them. There is one of every name. */
  answer({ method, path, body }: ApiRequest): ApiAnswer | undefined {
    const name = PATH.exec(path)?.[1];
    if (name === undefined) return undefined;
    const { version, object } = this.#stored.get(name) ?? { version: 1, object: withVersion({}, 1) };
    if (method !== "PUT") return { status: 200, body: object, warnings: [] };
    const metadata = objectAt(body, "metadata");
    if (textAt(metadata, "resourceVersion") !== `${version}`) {
      return { status: 409, body: { kind: "Status", message: "the object has been modified" }, warnings: [] };
    }
    const next = withVersion({ ...metadata }, version + 1);
    this.#stored.set(name, { version: version + 1, object: next });
    return { status: 200, body: next, warnings: [] };
  }
}

function withVersion(metadata: object, version: number): object {
  return { kind: "DaemonSet", metadata: { ...metadata, resourceVersion: `${version}` } };
}
