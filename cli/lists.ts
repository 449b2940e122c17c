/** Lists from the API server, page by page: a thousand nodes with their images are larger than one answer may be. */
import type { KubeConnection } from "../kube/call.ts";
import { KubeError } from "../kube/failure.ts";
import { isObject, objectAt, textAt, type JsonObject } from "../kube/json.ts";

const PAGE = 100;
const MOST_PAGES = 1_000;

export interface ListCall {
  /** e.g. `list Nodes`. */
  readonly doing: string;
  readonly path: string;
  /** e.g. `NodeList`. */
  readonly kind: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** @throws KubeError */
export async function listAll(kube: KubeConnection, call: ListCall): Promise<readonly JsonObject[]> {
  const { doing, path, kind, query, signal } = call;
  const all: JsonObject[] = [];
  let next = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const more = next === "" ? {} : { continue: next };
    const list = await kube.request({
      doing,
      method: "GET",
      path,
      query: { limit: `${PAGE}`, ...query, ...more },
      signal,
    });
    const items = isObject(list) && textAt(list, "kind") === kind ? (list["items"] ?? []) : undefined;
    if (!Array.isArray(items))
      throw new KubeError(doing, { kind: "garbage", sentence: `the answer is no ${kind}` });
    for (const item of items) if (isObject(item)) all.push(item);
    next = textAt(objectAt(list, "metadata"), "continue") ?? "";
    if (next === "") return all;
  }
  throw new KubeError(doing, { kind: "garbage", sentence: "a list without end" });
}
