import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTakeNetworkLock } from "./network-lock.ts";
import type { OrderResult } from "./order.ts";
import { contentOf, doneOf, kindsOf, never, RemovalKit } from "./testing/removal-kit.ts";
import { quickFiles, systemError, watchedFiles } from "./testing/watched-files.ts";

let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

/** Fails every call of `method` from the Nth on. */
const failingWith = (code: string, method: string, from = 0) => {
  let count = 0;
  return watchedFiles((called) => {
    if (called === method && count++ >= from) throw systemError(code);
  });
};

describe("stale leases", () => {
  it("go to quarantine as they are, with the lock held, and everything else stays", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    const two = kit.lease("fd00::3", contentOf(3));
    for (const name of ["lock", "last_reserved_ip.0", "10.0.0.9", "README"]) kit.lease(name, "x");
    const { mode, ino } = statSync(join(kit.network, "10.0.0.2"));
    let wasLocked = 0;
    const { apply } = kit.removal();
    const result = await apply.leases(
      kit.order([one, two], {
        stillStale: (lease, liveness) => {
          const lock = join(kit.network, "lock");
          wasLocked += Number(tryLock(lock)) + Number(tryLock(kit.network));
          return liveness === kit.liveness && lease.content.length > 0;
        },
      }),
      never,
    );
    expect(kindsOf(result)).toEqual({ "10.0.0.2": "moved", "fd00::3": "moved" });
    expect(wasLocked).toBe(4);
    expect(kit.names()).toEqual(["10.0.0.9", "README", "last_reserved_ip.0", "lock"]);
    expect(kit.quarantined()).toEqual(
      new Map([
        ["/var/lib/cni/networks/pods/10.0.0.2", contentOf(2)],
        ["/var/lib/cni/networks/pods/fd00::3", contentOf(3)],
      ]),
    );
    const moved = doneOf(result).get("10.0.0.2");
    const there = statSync(moved?.kind === "moved" ? moved.to : "");
    expect([there.mode, there.ino]).toEqual([mode, ino]);
    expect(tryLock(join(kit.network, "lock"))).toBe(false);
    expect(kit.heldMillis).toHaveLength(1);
  });

  it("are asked about again with what is listed under the lock", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    const { apply } = kit.removal();
    const result = await apply.leases(kit.order([one], { stillStale: () => false }), never);
    expect(kit.proofs).toBe(1);
    expect(doneOf(result).get("10.0.0.2")).toEqual({ kind: "changed", reason: "it is not stale any more" });
    expect(kit.names()).toEqual(["10.0.0.2", "lock"]);
    expect(kit.drawers()).toEqual([]);
  });

  it("stay if nothing is proven any more", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    kit.liveness = { kind: "unproven", reason: "containerd is gone" };
    const result = await kit.removal().apply.leases(kit.order([one]), never);
    expect(result).toEqual({ kind: "skipped", reason: "containerd is gone" });
    expect(kit.names()).toContain("10.0.0.2");
  });

  it("stay if the caller gave up while it was asked", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    const giveUp = new AbortController();
    const { apply } = kit.removal();
    const asking = apply.leases(kit.order([one]), giveUp.signal);
    giveUp.abort();
    expect((await asking).kind).toBe("skipped");
    expect(kit.names()).toContain("10.0.0.2");
  });

  it("stay if another holds the lock", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    const { apply } = kit.removal(quickFiles, { takeLock: makeTakeNetworkLock({ waitMillis: 100 }) });
    const holder = spawn("flock", [join(kit.network, "lock"), "sh", "-c", "echo; exec cat"]);
    await once(holder.stdout, "data");
    const second = await apply.leases(kit.order([one]), never);
    holder.stdin.end();
    expect(skipReason(second)).toContain("another has held it");
    expect(kit.names()).toContain("10.0.0.2");
  });

  it.each<[string, (path: string) => void, string]>([
    ["was rewritten", (path) => writeFileSync(path, contentOf(9)), "its content is another by now"],
    ["has grown", (path) => writeFileSync(path, `${contentOf(2)}\n`), "its content is another by now"],
    ["was emptied", (path) => writeFileSync(path, ""), "its content is another by now"],
    [
      "was made anew",
      (path) => {
        // Not removed first: the file system might give the same number again.
        writeFileSync(`${path}.new`, contentOf(2));
        renameSync(`${path}.new`, path);
      },
      "it is another file by now",
    ],
    ["has a second name", (path) => linkSync(path, `${path}.other`), "it has 2 names"],
    [
      "is a link",
      (path) => {
        renameSync(path, `${path}.real`);
        symlinkSync(`${path}.real`, path);
      },
      "it is no regular file any more",
    ],
    [
      "is a directory",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      "it is no regular file any more",
    ],
    [
      "is a pipe",
      (path) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
      "it is no regular file any more",
    ],
  ])("stay where it %s since", async (_, change, reason) => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    change(join(kit.network, "10.0.0.2"));
    const before = kit.names();
    const result = await kit.removal().apply.leases(kit.order([one]), never);
    expect(doneOf(result).get("10.0.0.2")).toEqual({ kind: "changed", reason });
    expect(kit.names().filter((name) => name !== "lock")).toEqual(before);
  });

  it("that are gone are gone", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    rmSync(join(kit.network, "10.0.0.2"));
    expect(kindsOf(await kit.removal().apply.leases(kit.order([one]), never))).toEqual({
      "10.0.0.2": "gone",
    });
  });

  it("of a network that is gone are left, and it is not made again", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    rmSync(kit.network, { recursive: true });
    expect((await kit.removal().apply.leases(kit.order([one]), never)).kind).toBe("skipped");
    expect(kit.names(join(kit.network, ".."))).toEqual([]);
  });

  it.each(["lock", "last_reserved_ip.0", "README", "..", "10.0.0.256", "sub/10.0.0.2"])(
    "are never called %s, whatever was decided",
    async (name) => {
      const stray = { ...kit.lease("10.0.0.2", contentOf(2)), name };
      const result = await kit.removal().apply.leases(kit.order([stray]), never);
      expect(skipReason(result)).toContain("is no lease of");
    },
  );

  it("are never of another directory, nor more than a batch", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    const { apply } = kit.removal();
    expect(await apply.leases(kit.order([{ ...one, directory: kit.results }]), never)).toMatchObject({
      kind: "skipped",
    });
    const many = Array.from({ length: 201 }, () => one);
    expect(await apply.leases(kit.order(many), never)).toMatchObject({ kind: "skipped" });
    expect(kit.names()).toEqual(["10.0.0.2"]);
  });

  it("stay if they would be moved to where host-local still finds them", async () => {
    const directory = join(kit.quarantineRoot, "..");
    mkdirSync(directory);
    const one = kit.lease("10.0.0.2", contentOf(2), directory);
    const result = await kit.removal().apply.leases(kit.order([one], { directory }), never);
    expect(skipReason(result)).toContain("is inside");
    expect(kit.names(directory)).toEqual(["10.0.0.2"]);
  });

  it("of one name, again and again, are all kept", async () => {
    const { apply } = kit.removal();
    for (const number of [1, 2, 3]) {
      expect(
        kindsOf(await apply.leases(kit.order([kit.lease("10.0.0.2", contentOf(number))]), never)),
      ).toEqual({
        "10.0.0.2": "moved",
      });
    }
    expect([...kit.quarantined().values()]).toEqual([contentOf(1), contentOf(2), contentOf(3)]);
    expect(kit.drawers()).toHaveLength(1);
  });
});

describe("a disk that fails", () => {
  it.each([
    ["EROFS", "renameSync"],
    ["ENOSPC", "renameSync"],
    ["ENOSPC", "mkdirSync"],
    ["EDQUOT", "mkdirSync"],
  ] as const)("with %s of %s leaves everything, and says why once", async (code, method) => {
    const leases = [2, 3, 4].map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
    const { apply } = kit.removal(failingWith(code, method));
    const result = await apply.leases(kit.order(leases), never);
    expect(skipReason(result)).toContain(code);
    expect(kit.names()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "lock"]);
  });

  it("after a first one leaves the rest", async () => {
    const leases = [2, 3, 4].map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
    // The first two renames are the record's and the first lease's.
    const { apply } = kit.removal(failingWith("ENOSPC", "renameSync", 3));
    expect(kindsOf(await apply.leases(kit.order(leases), never))).toEqual({
      "10.0.0.2": "moved",
      "10.0.0.3": "failed",
      "10.0.0.4": "failed",
    });
    expect(kit.names()).toEqual(["10.0.0.3", "10.0.0.4", "lock"]);
  });

  it.each(["EIO", "EACCES", "EPERM"])("with %s for one file goes on with the others", async (code) => {
    const leases = [2, 3].map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
    const files = watchedFiles((method, [from]) => {
      if (method === "renameSync" && String(from).endsWith("10.0.0.2")) throw systemError(code);
    });
    const { apply } = kit.removal(files);
    expect(kindsOf(await apply.leases(kit.order(leases), never))).toEqual({
      "10.0.0.2": "failed",
      "10.0.0.3": "moved",
    });
  });

  it("with another file system below the quarantine copies, mode included", async () => {
    const one = kit.lease("10.0.0.2", contentOf(2));
    let refused = 0;
    const files = watchedFiles((method, [from]) => {
      if (method !== "renameSync" || !String(from).startsWith(kit.network)) return;
      refused += 1;
      throw systemError("EXDEV");
    });
    const { mode } = statSync(join(kit.network, "10.0.0.2"));
    const result = await kit.removal(files).apply.leases(kit.order([one]), never);
    const moved = doneOf(result).get("10.0.0.2");
    expect(refused).toBe(1);
    expect(statSync(moved?.kind === "moved" ? moved.to : "").mode).toBe(mode);
    expect(kit.quarantined()).toEqual(new Map([["/var/lib/cni/networks/pods/10.0.0.2", contentOf(2)]]));
    expect(kit.names()).toEqual(["lock"]);
  });
});

function skipReason(result: OrderResult): string {
  return result.kind === "skipped" ? result.reason : "done";
}

/** True if another holds it. */
function tryLock(path: string): boolean {
  try {
    execFileSync("flock", ["-n", path, "true"], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}
