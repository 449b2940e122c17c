/** Usage, pruning and the way back, on a real disk. */
import { mkdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RestoreReport } from "../order.ts";
import { contentOf, freeLock, never, RemovalKit } from "../testing/removal-kit.ts";
import { quickFiles, systemError, watchedFiles } from "../testing/watched-files.ts";

const DAY = 86_400;
const PODS = "/var/lib/cni/networks/pods";
let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

const removal = (keepBytes?: number) =>
  kit.removal(quickFiles, { takeLock: freeLock, ...(keepBytes === undefined ? {} : { keepBytes }) });

async function move(numbers: readonly number[], by = removal()): Promise<void> {
  const leases = numbers.map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
  await by.apply.leases(kit.order(leases), never);
}

/** As much later for all clocks of the node. */
function later(seconds: number): void {
  kit.clock.uptime += seconds;
  kit.clock.wallMillis += seconds * 1_000;
}

const reasons = ({ left }: RestoreReport) => left.map(({ path, reason }) => `${path}: ${reason}`);
const all = { kind: "all" } as const;
const named = (...paths: readonly string[]) => ({ kind: "named", paths }) as const;

describe("usage", () => {
  it("is nothing without a quarantine, and makes none", async () => {
    expect(await removal().quarantine.usage()).toEqual({ files: 0, bytes: 0 });
    expect(kit.drawers()).toEqual([]);
  });

  it("counts files of all drawers and what they take of the disk", async () => {
    const { apply, quarantine } = removal();
    await move([2, 3]);
    await apply.files(
      { files: [kit.lease("pods-x-eth0", "x".repeat(9_000), kit.results)], stillStale: () => true },
      never,
    );
    const { files, bytes, problem } = await quarantine.usage();
    expect([files, problem]).toEqual([3, undefined]);
    expect(bytes).toBeGreaterThanOrEqual(9_140);
  });

  it("that can't be told is a problem in words", async () => {
    await move([2]);
    const files = watchedFiles((method) => {
      if (method === "readdirSync") throw systemError("EIO");
    });
    expect((await kit.removal(files).quarantine.usage()).problem).toContain("EIO");
  });
});

describe("pruning", () => {
  it("keeps for the whole time, over a restart, and drops then", async () => {
    await move([2]);
    later(14 * DAY);
    await removal().quarantine.prune(never);
    expect(kit.quarantined().size).toBe(1);
    later(DAY);
    await removal().quarantine.prune(never);
    expect(kit.drawers()).toEqual([]);
  });

  it("keeps what the clock alone takes for old", async () => {
    await move([2]);
    kit.clock.wallMillis += 400 * DAY * 1_000;
    await removal().quarantine.prune(never);
    expect(kit.quarantined().size).toBe(1);
  });

  it("keeps what a lost boot ID makes the agent count no time for", async () => {
    await move([2]);
    kit.clock.boot = undefined;
    later(90 * DAY);
    await removal().quarantine.prune(never);
    expect(kit.quarantined().size).toBe(1);
  });

  it("drops the oldest of too much, and never what this process fills", async () => {
    await move([2, 3, 4]);
    later(7_200);
    await move([5]);
    later(7_200);
    const now = removal(4_096);
    await move([6], now);
    await now.quarantine.prune(never);
    expect([...kit.quarantined().keys()]).toEqual([`${PODS}/10.0.0.6`]);
  });

  it("leaves what it could not remove with its record, and tells", async () => {
    await move([2, 3]);
    later(15 * DAY);
    const files = watchedFiles((method, [path]) => {
      if (method === "unlinkSync" && String(path).endsWith("10.0.0.3")) throw systemError("EIO");
    });
    const { quarantine } = kit.removal(files);
    await quarantine.prune(never);
    expect([...kit.quarantined().keys()]).toEqual([`${PODS}/10.0.0.3`]);
    expect((await quarantine.usage()).problem).toMatch(/^prune the quarantine: EIO/);
  });

  it("does nothing more once its caller has given up", async () => {
    await move([2]);
    later(15 * DAY);
    await removal().quarantine.prune(AbortSignal.abort());
    expect(kit.quarantined().size).toBe(1);
  });
});

describe("what was moved", () => {
  it("is written through to the disk once after a pass, both where it was and where it is", async () => {
    let opened = "";
    const synced: string[] = [];
    const files = watchedFiles((method, [path]) => {
      if (method === "openSync") opened = String(path);
      if (method === "fsyncSync") synced.push(opened);
    });
    const agent = kit.removal(files, { takeLock: freeLock });
    await move([2, 3], agent);
    expect(synced).not.toContain(kit.network);
    synced.length = 0;
    await agent.quarantine.prune(never);
    const drawer = kit.drawers()[0] ?? "";
    expect(synced).toEqual([kit.network, join(drawer, "files")]);
    await agent.quarantine.prune(never);
    expect(synced).toHaveLength(2);
  });
});

describe("a long-lived agent", () => {
  it("takes a new drawer each hour, so that the old one can go", async () => {
    const agent = removal();
    await move([2], agent);
    later(3_599);
    await move([3], agent);
    expect(kit.drawers()).toHaveLength(1);
    later(1);
    await move([4], agent);
    expect(kit.drawers()).toHaveLength(2);
  });

  it("takes a new drawer when one is full, so that the names of all are never read in one go", async () => {
    const cabinet = removal();
    for (let batch = 0; batch < 3; batch++) {
      const files = Array.from({ length: 1_000 }, (_, index) =>
        kit.lease(`c${batch}-${index}`, "", kit.results),
      );
      await cabinet.apply.files({ files, stillStale: () => true }, never);
    }
    expect(kit.drawers()).toHaveLength(2);
    expect((await cabinet.quarantine.usage()).files).toBe(3_000);
  });

  it("goes on after another process has taken its drawer away", async () => {
    const agent = removal();
    await move([2], agent);
    await removal().quarantine.restore(all, never);
    expect(kit.drawers()).toEqual([]);
    await move([2], agent);
    expect([...kit.quarantined().keys()]).toEqual([`${PODS}/10.0.0.2`]);
  });

  it("files what it moved in another boot apart, and what no boot ID is known for", async () => {
    await move([2]);
    kit.clock.boot = "../../evil";
    await move([3]);
    const boots = kit.drawers().map((path) => path.split("/").at(-2));
    expect(boots).toEqual(["0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11", "unknown-boot"]);
  });
});

describe("restoring", () => {
  it("puts everything back as it was, and leaves an empty quarantine", async () => {
    await move([2, 3]);
    const { mode } = statSync(join(kit.drawers()[0] ?? "", "files", "10.0.0.2"));
    const report = await removal().quarantine.restore(all, never);
    expect(report).toEqual({ restored: [`${PODS}/10.0.0.2`, `${PODS}/10.0.0.3`], left: [] });
    expect(readFileSync(join(kit.network, "10.0.0.2"), "utf8")).toBe(contentOf(2));
    expect([statSync(join(kit.network, "10.0.0.2")).mode, kit.drawers()]).toEqual([mode, []]);
  });

  it("puts back those that are named, by the node's own names", async () => {
    await move([2, 3]);
    const report = await removal().quarantine.restore(named(`${PODS}/10.0.0.3`, `${PODS}/10.0.0.9`), never);
    expect(report.restored).toEqual([`${PODS}/10.0.0.3`]);
    expect(reasons(report)).toEqual([`${PODS}/10.0.0.9: it is not in quarantine`]);
    expect([...kit.quarantined().keys()]).toEqual([`${PODS}/10.0.0.2`]);
  });

  it("never replaces what has the name by now", async () => {
    await move([2]);
    writeFileSync(join(kit.network, "10.0.0.2"), contentOf(9));
    const report = await removal().quarantine.restore(all, never);
    expect(reasons(report)).toEqual([`${PODS}/10.0.0.2: its name is taken`]);
    expect(readFileSync(join(kit.network, "10.0.0.2"), "utf8")).toBe(contentOf(9));
    expect(kit.quarantined().size).toBe(1);
  });

  it("of several with one name brings the newest", async () => {
    await move([2]);
    const agent = removal();
    later(7_200);
    await agent.apply.leases(kit.order([kit.lease("10.0.0.2", contentOf(7))]), never);
    const report = await removal().quarantine.restore(all, never);
    expect([report.restored.length, report.left.length]).toEqual([1, 1]);
    expect(readFileSync(join(kit.network, "10.0.0.2"), "utf8")).toBe(contentOf(7));
  });

  it("does not make a network that is gone", async () => {
    await move([2]);
    rmSync(kit.network, { recursive: true });
    expect(reasons(await removal().quarantine.restore(all, never))).toEqual([
      `${PODS}/10.0.0.2: its directory is gone`,
    ]);
    mkdirSync(kit.network);
    expect((await removal().quarantine.restore(all, never)).restored).toHaveLength(1);
  });

  it("takes the lock of a network, and none for other files", async () => {
    await move([2]);
    await removal().apply.files(
      { files: [kit.lease("c", "{}", kit.results)], stillStale: () => true },
      never,
    );
    const { quarantine } = kit.removal(quickFiles, {
      takeLock: async () => ({ kind: "not-held", reason: "it is held" }),
    });
    const report = await quarantine.restore(all, never);
    expect(report.restored).toEqual(["/var/lib/cni/results/c"]);
    expect(reasons(report)).toEqual([`${PODS}/10.0.0.2: it is held`]);
  });

  it("leaves what has no record, and what can't be moved, with the reason", async () => {
    await move([2]);
    const files = watchedFiles((method) => {
      if (method === "linkSync") throw systemError("EROFS");
    });
    const { quarantine } = kit.removal(files, { takeLock: freeLock });
    expect(reasons(await quarantine.restore(all, never))).toEqual([`${PODS}/10.0.0.2: EROFS: made up`]);
    unlinkSync(join(kit.drawers()[0] ?? "", "origin.json"));
    expect(await removal().quarantine.restore(all, never)).toEqual({ restored: [], left: [] });
    expect(kit.quarantined().size).toBe(1);
  });

  it("ends when its caller gives up", async () => {
    await move([2]);
    expect(reasons(await removal().quarantine.restore(all, AbortSignal.abort()))).toEqual([
      `${PODS}/10.0.0.2: given up`,
    ]);
  });
});
