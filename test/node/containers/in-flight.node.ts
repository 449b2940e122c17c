/** A create that hangs because a volume's file system does: said, not touched; its orphan goes when it appears. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReservation } from "../../../daemonset/containers/reservation.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import { startContainerdNode, type ContainerdNode } from "./containerd-node.ts";
import { mountDisk } from "./frozen-disk.ts";
import { RealPasses } from "./real-pass.ts";

const signal = new AbortController().signal;
describe.each(containerdLines)("a create on containerd %s that hangs", (line) => {
  let node: ContainerdNode;
  let thaw: () => Promise<void> = async () => {};

  beforeAll(async () => {
    node = await startContainerdNode(line);
  });

  afterAll(async () => {
    await thaw();
    await node?.stop();
  });

  it("is diagnosed and left alone while the disk is frozen; after the thaw its orphan goes", async () => {
    const { driver, runtime } = node;
    const pod = somePod();
    const sandboxID = await driver.runSandbox(pod, 0);
    const disk = await mountDisk(node.containerd);
    thaw = await disk.freeze();

    // A kubelet that gives up, as after two minutes.
    const kubelet = node.openDriver(5_000);
    const mountSource = join(disk.folder, "volume");
    const hanging = kubelet.createContainer(sandboxID, pod, { name: "app", attempt: 0, mountSource });
    const givenUp = hanging.then(
      () => "created",
      () => "given up",
    );
    const again = async () => driver.createContainer(sandboxID, pod, { name: "app", attempt: 0 });
    const holderID = await waitFor(
      "the name to be reserved",
      async () => {
        const made = await node.target.suspectedCreates?.(signal);
        const listed = new Set((await runtime.listContainers(signal)).map(({ id }) => id));
        const hung = (made ?? []).filter((id) => !listed.has(id));
        return hung[0] === undefined ? { done: false, seen: "no create" } : { done: true, value: hung[0] };
      },
      { deadlineMillis: 60_000, intervalMillis: 20 },
    );
    expect(await givenUp).toBe("given up");
    kubelet.close();
    const refusal = await again().catch((error: unknown) => String(error));
    expect(parseReservation(refusal)?.holderID).toBe(holderID);

    const passes = new RealPasses(node.target);
    const before = await passes.pass();
    expect([before.containers, before.unlisted, before.removals]).toEqual([0, [holderID], []]);
    expect(passes.diagnosed.begun).toEqual([]);
    passes.skip(30_000);
    const later = await passes.pass();
    expect([later.unlisted, later.removals]).toEqual([[holderID], []]);
    expect(passes.diagnosed.begun).toMatchObject([{ kind: "create-in-flight", subject: node.target.key }]);
    expect(passes.diagnosed.begun[0]?.seen).toContain(holderID.slice(0, 12));
    expect(parseReservation(await again().catch(String))?.holderID).toBe(holderID);

    await thaw();
    await waitFor(
      "the orphan",
      async () => {
        const state = (await runtime.containerState(holderID, signal))?.state;
        return state === "created" ? { done: true, value: state } : { done: false, seen: state ?? "nothing" };
      },
      { deadlineMillis: 60_000 },
    );
    const first = await passes.pass();
    expect([first.unlisted, first.removals]).toEqual([[], []]);
    expect(passes.diagnosed.ended).toMatchObject([{ kind: "create-in-flight" }]);
    const second = await passes.secondPass();
    expect(second.removals).toMatchObject([{ id: holderID, outcome: "removed" }]);
    await driver.startContainer(await again());
  });
});
