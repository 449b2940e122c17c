/** A Secret in memory, for tests in real time. */
import type { SecretChange, SecretSnapshot, SecretStore } from "../../kube/secrets.ts";

export class FakeSecret implements SecretStore {
  readonly title = "nodelatch-system/tls";
  snapshot: SecretSnapshot | undefined;
  #version = 0;

  read(): Promise<SecretSnapshot | undefined> {
    return Promise.resolve(this.snapshot);
  }

  create(content: SecretChange): Promise<"created" | "exists"> {
    if (this.snapshot !== undefined) return Promise.resolve("exists");
    this.write(content);
    return Promise.resolve("created");
  }

  replace(snapshot: SecretSnapshot, change: SecretChange): Promise<"replaced" | "conflict" | "gone"> {
    if (this.snapshot === undefined) return Promise.resolve("gone");
    if (this.snapshot.resourceVersion !== snapshot.resourceVersion) return Promise.resolve("conflict");
    this.write(change);
    return Promise.resolve("replaced");
  }

  write({ data, annotations }: SecretChange): void {
    this.#version += 1;
    this.snapshot = {
      data: merged(this.snapshot?.data, data),
      annotations: merged(this.snapshot?.annotations, annotations),
      labels: new Map(),
      resourceVersion: `${this.#version}`,
      uid: "uid",
      type: "Opaque",
    };
  }
}

function merged(
  before: ReadonlyMap<string, string> | undefined,
  changes: ReadonlyMap<string, string | undefined> | undefined,
): ReadonlyMap<string, string> {
  const after = new Map(before);
  for (const [key, value] of changes ?? []) {
    if (value === undefined) after.delete(key);
    else after.set(key, value);
  }
  return after;
}
