/** What must hold of every stand, whatever happened in between. */
import { expect } from "vitest";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { KURED_USER } from "./options.ts";
import type { Stand } from "./stand.ts";

/** So many reboots, each of a node that was locked by kured and cordoned, with none of these pods left. */
export function expectSafeReboots({ machine, node }: Stand, times: number): void {
  expect(machine.reboots).toHaveLength(times);
  for (const { lock, cordoned, pods } of machine.reboots) {
    expect(cordoned).toBe(true);
    expect(JSON.parse(lock ?? "null")).toMatchObject({ holder: KURED_USER });
    expect(pods.filter((pod) => pod.startsWith(`${node}-app`))).toEqual([]);
  }
}

export async function expectFree(stand: Stand): Promise<void> {
  const node = await stand.view();
  expect({ lock: node.annotations.get(LOCK_ANNOTATION), cordoned: node.unschedulable }).toEqual({
    lock: undefined,
    cordoned: false,
  });
}

/** It has neither exited nor been refused anything. */
export function expectNoTrouble({ kured }: Stand): void {
  expect(kured.exits).toEqual([]);
  // That an evicted pod is gone is said by a 404.
  const refused = kured.sent.filter(({ status, path }) => status >= 400 && path.includes("/nodes/"));
  expect(refused).toEqual([]);
}
