/** A node after a bad night: what the agent removes at once, what it removes at a second look, and what it must not touch. */
import type { ContainerRuntime } from "../../../daemonset/runtime/runtime.ts";
import type { CriDriver, TestPod } from "../../../daemonset/runtime/testing/cri-driver.ts";

export interface MessSize {
  /** CREATED in sandboxes that have ended. */
  readonly dead: number;
  /** CREATED in READY sandboxes: two looks. */
  readonly young: number;
  readonly running: number;
}

const podOf = (uid: string, name: string): TestPod => ({ uid: `${uid}-${name}`, namespace: "default", name });

/** What lives, and what has ended in order. @param uid begins the pods' UIDs; the same one, the same names. */
export async function makeLife(driver: CriDriver, uid: string, size: MessSize): Promise<void> {
  for (const id of await fill(driver, podOf(uid, "running"), size.running)) await driver.startContainer(id);
  for (const id of await fill(driver, podOf(uid, "ended"), 1)) {
    await driver.startContainer(id);
    await driver.stopContainer(id);
  }
}

/** What should go. */
export async function makeMess(driver: CriDriver, uid: string, size: MessSize): Promise<void> {
  await fill(driver, podOf(uid, "dead"), size.dead, async (sandboxID) => driver.stopSandbox(sandboxID));
  await fill(driver, podOf(uid, "young"), size.young);
}

async function fill(
  driver: CriDriver,
  pod: TestPod,
  count: number,
  then: (sandboxID: string) => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const sandboxID = await driver.runSandbox(pod, 0);
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push(await driver.createContainer(sandboxID, pod, { name: `c${index}`, attempt: 0 }));
  }
  await then(sandboxID);
  return ids;
}

/** What must be left of it. */
export function leftOf(size: MessSize): readonly string[] {
  const runs = Array.from({ length: size.running }, (_, index) => `running/c${index} running`);
  return [...runs, "ended/c0 exited"].toSorted();
}

/** The containers of the mess that are there, in words. */
export async function seenOf(runtime: ContainerRuntime, uid: string): Promise<readonly string[]> {
  const listed = await runtime.listContainers(AbortSignal.timeout(20_000));
  return listed
    .filter(({ pod }) => pod?.uid.startsWith(`${uid}-`))
    .map(({ pod, name, state }) => `${pod?.name}/${name} ${state}`)
    .toSorted();
}
