/** `kill -9` of the agent at any moment of a boot: the next one ends where an undisturbed one would have. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inParallel } from "../../../daemonset/containers/parallel.ts";
import { SeededRandom } from "../../../daemonset/containers/testing/random.ts";
import { BOOT_ID_FILE } from "../../../daemonset/host/boot/boot-id.ts";
import { openCri } from "../../../daemonset/runtime/cri.ts";
import { decodeRequest, encodeResponse } from "../../../daemonset/runtime/testing/cri-codec.ts";
import { textAt } from "../../../daemonset/runtime/testing/shape.ts";
import { AgentKit, BOOT_ID, until } from "../../../daemonset/testing/agent-kit.ts";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import { startContainerdNode, type ContainerdNode } from "../containers/containerd-node.ts";
import { RealPasses } from "../containers/real-pass.ts";
import { leftOf, makeLife, makeMess, seenOf, type MessSize } from "./mess.ts";
import { makeVictims, remainsIn, type VictimPlace, type Victims } from "./victims.ts";

const seed = Number(process.env["NODELATCH_TEST_SEED"] ?? Date.now() % 1_000_000);
const random = new SeededRandom(seed);
/** All passes of a boot, three minutes, in this many milliseconds. */
const bootMillis = 450;
const factor = 180_000 / bootMillis;

/**
 * A busy machine takes longer for a boot. So kills are spread over more time after each that came before the end, and
 * over less after the others: in the long run a third comes after it.
 */
class KillSpread {
  #millis = bootMillis * 1.5;

  /** More often while there is much to do. */
  next(): number {
    return random.next() ** 2 * this.#millis;
  }

  cameAfterEnd(isAfter: boolean): void {
    this.#millis = Math.min(this.#millis * (isAfter ? 0.8 : 1.1), bootMillis * 20);
  }
}

let victims: Victims;
beforeAll(async () => {
  victims = await makeVictims();
});
afterAll(async () => victims?.remove());

/** Neither file is half written, and no boot is marked as done with while there is something left to do. */
async function expectSound(place: VictimPlace, bootID: string, isClean: boolean): Promise<void> {
  const { marker, journal } = await remainsIn(place);
  expect(isClean ? ["absent", bootID] : ["absent"]).toContain(marker);
  expect(["absent", "read, boot none", `read, boot ${bootID}`]).toContain(journal);
}

describe("on a runtime in memory whose removals take their time", () => {
  const size: MessSize = { dead: 12, young: 4, running: 4 };
  const rounds = 200;
  const spread = new KillSpread();

  /** How many containers were gone when it was killed, of those that should go. */
  async function round(): Promise<number> {
    const kit = await AgentKit.open();
    try {
      const { fake, driver } = await kit.runtime();
      const place: VictimPlace = {
        hostRoot: kit.folder,
        endpoint: "/run/containerd/containerd.sock",
        runDir: join(kit.folder, "nodelatch"),
        stateDir: join(kit.folder, "state"),
      };
      await makeLife(driver, "mess", size);
      await makeMess(driver, "mess", size);
      fake.override("RemoveContainer", async (request) => {
        await sleep(random.next() * 8);
        fake.containers.delete(textAt(decodeRequest("RemoveContainer", request), "container_id"));
        await sleep(random.next() * 8);
        return encodeResponse("RemoveContainer", {});
      });
      const runtime = openCri({ socketPath: kit.socketPath, hostPath: kit.socketPath });
      fake.calls.length = 0;
      const victim = await victims.start(place, factor);
      await until(() => fake.calls.length > 0);
      await sleep(spread.next());
      await victim.kill();
      const left = await seenOf(runtime, "mess");
      spread.cameAfterEnd(left.length === leftOf(size).length);
      expect(left).toEqual(expect.arrayContaining([...leftOf(size)]));
      await expectSound(place, BOOT_ID, left.length === leftOf(size).length);

      const next = await kit.start(["--shutdown-pass=off"], factor);
      const complete = { marker: BOOT_ID, journal: `read, boot ${BOOT_ID}` };
      await until(async () => isDeepStrictEqual(await remainsIn(place), complete));
      await until(async () => (await seenOf(runtime, "mess")).length <= leftOf(size).length);
      next.term();
      await next.ended;
      expect(await seenOf(runtime, "mess")).toEqual(leftOf(size));
      expect(await remainsIn(place)).toMatchObject(complete);
      runtime.close();
      return size.dead + size.young + leftOf(size).length - left.length;
    } finally {
      await kit.close();
    }
  }

  it(`${rounds} times`, async () => {
    const gone: number[] = [];
    const before = performance.now();
    await inParallel(Array.from({ length: rounds }), 6, async () => {
      gone.push(await round());
    });
    const all = size.dead + size.young;
    const during = gone.filter((count) => count > 0 && count < all).length;
    const [none, done] = [
      gone.filter((count) => count === 0).length,
      gone.filter((count) => count === all).length,
    ];
    const seconds = Math.round((performance.now() - before) / 1_000);
    console.log(
      `${rounds} kills in ${seconds} s, seed ${seed}: ${none} before any removal, ${during} between, ${done} after all`,
    );
    expect(gone).toHaveLength(rounds);
    expect(Math.min(none, during, done)).toBeGreaterThan(rounds / 50);
  }, 600_000);
});

describe.each(containerdLines)("on containerd %s", (line) => {
  const size: MessSize = { dead: 6, young: 2, running: 1 };
  const rounds = 7;
  let node: ContainerdNode;
  beforeAll(async () => {
    node = await startContainerdNode(line);
  });
  afterAll(async () => node?.stop());

  it(`${rounds} times`, async () => {
    const { driver, runtime, containerd } = node;
    const bootID = readFileSync(BOOT_ID_FILE, "utf8").trim();
    const life = "life";
    await makeLife(driver, life, size);
    for (let index = 0; index < rounds; index++) {
      const uid = `round-${index}`;
      const folder = await mkdtemp(join(tmpdir(), "nodelatch-killed-"));
      const place: VictimPlace = {
        hostRoot: "/",
        endpoint: containerd.socketPath,
        runDir: join(folder, "run"),
        stateDir: join(folder, "state"),
      };
      await makeMess(driver, uid, size);
      const victim = await victims.start(place, factor);
      // From a bit before its first look to a bit after its last.
      await sleep(100 + random.next() * 400);
      await victim.kill();
      expect(await seenOf(runtime, life)).toEqual(leftOf(size));
      await expectSound(place, bootID, (await seenOf(runtime, uid)).length === 0);
      const passes = new RealPasses(node.target);
      await passes.pass();
      await passes.secondPass();
      expect(await seenOf(runtime, uid)).toEqual([]);
      expect(await seenOf(runtime, life)).toEqual(leftOf(size));
      await rm(folder, { recursive: true, force: true });
    }
  });
});
