/** How long, how many and where at the most; and what ends an order in the middle. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Liveness } from "../liveness/liveness.ts";
import { FILE_BATCH, makeApply } from "./apply.ts";
import type { FileSystem } from "./file-system.ts";
import { contentOf, doneOf, freeLock, kindsOf, never, PROVEN, RemovalKit } from "./testing/removal-kit.ts";
import { quickFiles, systemError, watchedFiles } from "./testing/watched-files.ts";

let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

interface Parts {
  readonly files?: FileSystem;
  readonly quarantine?: string;
  readonly prove?: (signal: AbortSignal) => Promise<Liveness>;
  readonly proveMillis?: number;
}

/** With a cabinet that keeps nothing: what is moved is only noted. */
function applyWith(parts: Parts) {
  const moved: string[] = [];
  const { files = quickFiles, quarantine = kit.quarantineRoot, prove = async () => PROVEN } = parts;
  const apply = makeApply({
    files,
    cabinet: {
      rollOver: () => {},
      put: (_directory, name) => {
        moved.push(name);
        return name;
      },
    },
    quarantine,
    prove,
    takeLock: freeLock,
    monotonicMillis: () => performance.now(),
    proveMillis: parts.proveMillis ?? 60_000,
  });
  return { apply, moved };
}

/** Answers as soon as its signal says that it is over. */
const untilOver = async (signal: AbortSignal): Promise<Liveness> => {
  const over = Promise.withResolvers<Liveness>();
  const give = (): void => over.resolve({ kind: "unproven", reason: "over" });
  if (signal.aborted) give();
  signal.addEventListener("abort", give, { once: true });
  return over.promise;
};

describe("what lives is asked for under the lock", () => {
  it("for so long at the most, as every start of a pod waits meanwhile", async () => {
    const { apply } = applyWith({ prove: untilOver, proveMillis: 20 });
    const one = kit.lease("10.0.0.2", contentOf(2));
    expect(await apply.leases(kit.order([one]), never)).toEqual({ kind: "skipped", reason: "over" });
  });

  it("until the caller gives up", async () => {
    const { apply } = applyWith({ prove: untilOver });
    const one = kit.lease("10.0.0.2", contentOf(2));
    const giveUp = new AbortController();
    const asking = apply.leases(kit.order([one]), giveUp.signal);
    setTimeout(() => giveUp.abort(), 10);
    const late = sleep(10_000, "still asking", { ref: false });
    expect(await Promise.race([asking, late])).toEqual({ kind: "skipped", reason: "given up" });
  });

  it("and is not believed once the caller has given up", async () => {
    const giveUp = new AbortController();
    const { apply, moved } = applyWith({
      prove: async () => {
        giveUp.abort();
        return PROVEN;
      },
    });
    const one = kit.lease("10.0.0.2", contentOf(2));
    expect((await apply.leases(kit.order([one]), giveUp.signal)).kind).toBe("skipped");
    expect(moved).toEqual([]);
  });
});

it("files are never more than a batch", async () => {
  const { apply, moved } = applyWith({});
  const one = kit.lease("pods-x-eth0", "{}", kit.results);
  const files = Array.from({ length: FILE_BATCH + 1 }, () => one);
  expect(await apply.files({ files, stillStale: () => true }, never)).toMatchObject({ kind: "skipped" });
  expect(moved).toEqual([]);
});

it("a quarantine above the network's directory is not inside of it", async () => {
  const { apply, moved } = applyWith({ quarantine: join(kit.network, "..") });
  const one = kit.lease("10.0.0.2", contentOf(2));
  expect((await apply.leases(kit.order([one]), never)).kind).toBe("done");
  expect(moved).toEqual(["10.0.0.2"]);
});

it("a lease that goes just before it is moved is gone", async () => {
  const one = kit.lease("10.0.0.2", contentOf(2));
  const { apply } = kit.removal(quickFiles, { takeLock: freeLock });
  const stillStale = (): boolean => {
    rmSync(join(kit.network, "10.0.0.2"));
    return true;
  };
  expect(kindsOf(await apply.leases(kit.order([one], { stillStale }), never))).toEqual({
    "10.0.0.2": "gone",
  });
  // It is not tried with another drawer.
  expect(kit.drawers()).toHaveLength(1);
});

it("after a full disk nothing else is tried, as pods wait for the lock", async () => {
  const leases = [2, 3, 4].map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
  const files = watchedFiles((method, [from]) => {
    if (method === "renameSync" && String(from).endsWith("10.0.0.3")) throw systemError("ENOSPC");
  });
  const { apply } = kit.removal(files, { takeLock: freeLock });
  expect(kindsOf(await apply.leases(kit.order(leases), never))).toEqual({
    "10.0.0.2": "moved",
    "10.0.0.3": "failed",
    "10.0.0.4": "failed",
  });
  expect(kit.names()).toEqual(["10.0.0.3", "10.0.0.4"]);
});

it("a lease whose name is a socket's by now stays", async () => {
  const one = kit.lease("10.0.0.2", contentOf(2));
  rmSync(join(kit.network, "10.0.0.2"));
  // Killed, so that nobody takes the name away.
  const listen = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", listen, join(kit.network, "10.0.0.2")]);
  const { apply } = kit.removal(quickFiles, { takeLock: freeLock });
  const result = await apply.leases(kit.order([one]), never);
  expect(doneOf(result).get("10.0.0.2")).toEqual({
    kind: "changed",
    reason: "it is no regular file any more",
  });
});
