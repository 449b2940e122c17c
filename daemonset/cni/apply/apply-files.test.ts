import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { doneOf, never, RemovalKit } from "./testing/removal-kit.ts";

let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

describe("files that no lock guards", () => {
  it("go to quarantine from several directories, if they are still the same", async () => {
    const cache = kit.lease("pods-x-eth0", "{}", kit.results);
    const scratch = kit.lease("y", "{}", kit.network.replace("networks/pods", ""));
    const other = kit.lease("pods-z-eth0", "{}", kit.results);
    writeFileSync(join(kit.results, "pods-z-eth0"), "[]");
    const { apply } = kit.removal();
    const result = await apply.files({ files: [cache, scratch, other], stillStale: () => true }, never);
    expect([...doneOf(result).values()].map(({ kind }) => kind)).toEqual(["moved", "moved", "changed"]);
    expect([...doneOf(result).keys()][0]).toBe(join(kit.results, "pods-x-eth0"));
    expect([...kit.quarantined().keys()]).toEqual(["/var/lib/cni/results/pods-x-eth0", "/var/lib/cni/y"]);
    expect(readFileSync(join(kit.results, "pods-z-eth0"), "utf8")).toBe("[]");
  });

  it("stay if they are not stale any more, or nothing is proven", async () => {
    const cache = kit.lease("pods-x-eth0", "{}", kit.results);
    const { apply } = kit.removal();
    const spared = await apply.files({ files: [cache], stillStale: () => false }, never);
    expect([...doneOf(spared).values()][0]?.kind).toBe("changed");
    kit.liveness = { kind: "unproven", reason: "no" };
    expect(await apply.files({ files: [cache], stillStale: () => true }, never)).toEqual({
      kind: "skipped",
      reason: "no",
    });
    expect(kit.names(kit.results)).toEqual(["pods-x-eth0"]);
  });
});
