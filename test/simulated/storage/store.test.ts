import { describe, expect, test } from "vitest";
import { nodes, secrets } from "../objects/resource.ts";
import { memoryStore, versionOf } from "./store.ts";
import type { Change } from "./store.ts";

const node = (name: string): { metadata: { name: string } } => ({ metadata: { name } });

describe("memoryStore()", () => {
  test("gives every change a higher resourceVersion, removals included", () => {
    const store = memoryStore();
    const first = Number(versionOf(store.put(nodes, node("n1"))));
    const second = Number(versionOf(store.put(nodes, node("n1"))));
    const gone = Number(versionOf(store.remove(nodes, node("n1"))));
    expect([second - first, gone - second]).toEqual([1, 1]);
    expect(store.get(nodes, "", "n1")).toBeUndefined();
  });

  test("keeps resources and namespaces apart", () => {
    const store = memoryStore();
    store.put(secrets, { metadata: { name: "s", namespace: "a" } });
    store.put(secrets, { metadata: { name: "s", namespace: "ab" } });
    store.put(nodes, node("s"));
    expect(store.list(secrets, "a")).toHaveLength(1);
    expect(store.list(secrets, "")).toHaveLength(2);
    expect(store.list(nodes, "")).toHaveLength(1);
  });

  test("lists in the order of names", () => {
    const store = memoryStore();
    for (const name of ["b", "c", "a"]) store.put(nodes, node(name));
    expect(store.list(nodes, "").map((item) => item["metadata"])).toMatchObject([
      { name: "a" },
      { name: "b" },
      { name: "c" },
    ]);
  });

  test("tells what happened since a version, and says so when it has forgotten", () => {
    const store = memoryStore();
    const start = store.version();
    store.put(nodes, node("n1"));
    store.remove(nodes, node("n1"));
    expect(
      store.since(start)?.map(({ before, after }) => [before !== undefined, after !== undefined]),
    ).toEqual([
      [false, true],
      [true, false],
    ]);
    for (let count = 0; count < 4_001; count += 1) store.put(nodes, node("n1"));
    expect(store.since(start)).toBeUndefined();
    expect(store.since(store.version() - 10)).toHaveLength(10);
  });

  test("tells listeners until they leave", () => {
    const store = memoryStore();
    const seen: Change[] = [];
    const leave = store.subscribe((change) => seen.push(change));
    store.put(nodes, node("n1"));
    leave();
    store.put(nodes, node("n1"));
    expect(seen).toHaveLength(1);
  });
});
