/** Whatever is in the directories: nothing but stale leases and caches goes, and order and dates make no difference. */
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { makeDice } from "../../../program/testing/dice.ts";
import { cacheText } from "../testing/cache-text.ts";
import { CniPassKit } from "../testing/pass-kit.ts";
import { sandboxID } from "../testing/proven.ts";

interface Made {
  readonly hostPath: string;
  readonly kind: "file" | "directory" | "link";
  readonly text: string;
}

type Dice = () => number;

const NETWORKS = ["k8s-pod-network", "podman", "storage", "mine"] as const;
const ID_COUNT = 8;
const OLD = 5;

const pick = <T>(dice: Dice, items: readonly [T, ...T[]]): T =>
  items[Math.floor(dice() * items.length)] ?? items[0];
const anyID = (dice: Dice): string => sandboxID(1 + Math.floor(dice() * ID_COUNT));

function nameOf(dice: Dice): string {
  const end = Math.floor(dice() * 12) + 2;
  return pick(dice, [
    `10.42.0.${end}`,
    `10.42.0.${end}`,
    `10.42.0.${end}`,
    `fd00::${end.toString(16)}`,
    `010.42.0.${end}`,
    `10.42.0.${end}.swp`,
    `fd00_${end}`,
    "lock",
    "last_reserved_ip.0",
    "README",
    anyID(dice),
  ]);
}

function contentOf(dice: Dice): string {
  const id = anyID(dice);
  return pick(dice, [
    `${id}\r\neth0`,
    `${id}\r\neth0`,
    id,
    `${id}\nnet1`,
    "",
    "\0".repeat(70),
    id.slice(0, 30),
    `default-${id}\r\neth0`,
    "reserved",
    `${id} ${id}`,
    String.fromCharCode(...Array.from({ length: 40 }, () => Math.floor(dice() * 256))),
  ]);
}

function anyFile(dice: Dice): Made {
  const id = anyID(dice);
  const network = pick(dice, NETWORKS);
  const kind = dice() < 0.9 ? "file" : pick<Made["kind"]>(dice, ["directory", "link"]);
  if (dice() < 0.6)
    return { kind, hostPath: `/var/lib/cni/networks/${network}/${nameOf(dice)}`, text: contentOf(dice) };
  const text = pick(dice, ["", "{", "{}", cacheText({ id, network, isPod: network !== "podman" })]);
  const hostPath = pick(dice, [
    `/var/lib/cni/results/${network}-${id}-eth0`,
    `/var/lib/cni/results/cni-loopback-${id}-lo`,
    `/var/lib/cni/results/${network}-default-${id}-eth0`,
    `/var/lib/cni/results/README`,
    `/var/lib/cni/flannel/${id}`,
    `/var/lib/cni/flannel/${id}.bak`,
    `/var/lib/cni/multus/results/${network}-${id}-net1`,
    `/var/lib/cni/multus/${id}`,
    `/etc/cni/net.d/${id}`,
  ]);
  return { kind, hostPath, text };
}

/** A later one of the same path is left out, so that order does not matter. */
function anyNode(dice: Dice): readonly Made[] {
  const all = new Map<string, Made>();
  for (let count = Math.floor(dice() * 60); count > 0; count -= 1) {
    const made = anyFile(dice);
    if (!all.has(made.hostPath)) all.set(made.hostPath, made);
  }
  return [...all.values()];
}

function put(kit: CniPassKit, { hostPath, kind, text }: Made, dice: Dice): void {
  const path = kit.files.path(hostPath);
  mkdirSync(dirname(path), { recursive: true });
  if (kind === "directory") mkdirSync(path, { recursive: true });
  else if (kind === "link") symlinkSync(text.startsWith("{") || text.includes("\0") ? "x" : `${text}x`, path);
  else {
    writeFileSync(path, text, "latin1");
    const date = dice() * 2 ** 31;
    utimesSync(path, date, date);
  }
}

/** All that may ever go, said once more and in other words than the decision's. */
function mayGo({ hostPath, kind, text }: Made, alive: ReadonlySet<string>, nodes: readonly Made[]): boolean {
  if (kind !== "file") return false;
  const [, directory = "", name = ""] = /^(.*)\/([^/]+)$/.exec(hostPath) ?? [];
  const dead = (id: string | undefined): boolean => id !== undefined && !alive.has(id);
  if (directory.startsWith("/var/lib/cni/networks/")) {
    const network = directory.split("/").at(-1) ?? "";
    const isOurs =
      network === "k8s-pod-network" ||
      nodes.some(
        (each) => each.hostPath.includes(`results/${network}-`) && each.text.includes("K8S_POD_NAME"),
      );
    if (!isOurs || !/^(?:10\.42\.0\.\d+|fd00::[0-9a-f]+)$/.test(name)) return false;
    const id = /^[0-9a-f]{64}/.exec(text)?.[0];
    const rest = text.slice(64);
    if (id !== undefined && ["", "\r\neth0", "\nnet1"].includes(rest)) return dead(id);
    return text === "" || /^\0+$/.test(text) || /^[0-9a-f]{30}$/.test(text);
  }
  if (directory === "/var/lib/cni/flannel" || directory === "/var/lib/cni/multus") {
    return /^[0-9a-f]{64}$/.test(name) && dead(name);
  }
  const [, network, id] = /^(.*?)-([0-9a-f]{64})-(?:eth0|lo|net1)$/.exec(name) ?? [];
  if (!directory.endsWith("/results") || network === undefined || network.endsWith("-default")) return false;
  if (network === "podman") return false;
  return dead(id);
}

interface Outcome {
  readonly gone: readonly string[];
  readonly kept: unknown;
}

async function run(seed: number, order: (nodes: readonly Made[]) => readonly Made[]): Promise<Outcome> {
  const dice = makeDice(seed);
  const nodes = anyNode(dice);
  const [ready, ended, starting] = [sandboxID(1), sandboxID(2), sandboxID(3)];
  const dates = makeDice(order === same ? seed : seed + 1);
  const kit = new CniPassKit();
  try {
    kit.files.conf();
    for (const made of order(nodes)) put(kit, made, dates);
    kit.alive = { ready: [ready, sandboxID(OLD)], notReady: [ended], others: [starting] };
    await kit.pass();
    kit.reboot("boot-2");
    kit.alive = { ready: [ready], notReady: [ended], others: [starting] };
    const before = kit.files.snapshot();
    await kit.pass();
    await kit.pass();
    const after = kit.files.snapshot();
    const own = (path: string): boolean => /^\/(?:state|quarantine)/.test(path);
    const gone = [...before.keys()].filter((path) => !own(path) && !after.has(path)).toSorted();
    for (const [path, text] of after)
      if (!own(path) && before.get(path) !== text) throw new Error(`${path} changed`);
    const alive = new Set([ready, ended, starting]);
    const allowed = new Set(
      nodes.filter((each) => mayGo(each, alive, nodes)).map(({ hostPath }) => hostPath),
    );
    const wrong = gone.filter((path) => !allowed.has(path));
    if (wrong.length > 0) throw new Error(`seed ${seed}: ${wrong.join(", ")} should have stayed`);
    const quarantined = [...after.keys()].filter((path) => path.startsWith("/quarantine/")).length;
    if (quarantined !== gone.length)
      throw new Error(`seed ${seed}: ${gone.length} gone, ${quarantined} kept`);
    return { gone, kept: [...after].filter(([path]) => !own(path)).toSorted(([a], [b]) => (a < b ? -1 : 1)) };
  } finally {
    kit.close();
    rmSync(kit.files.root, { recursive: true, force: true });
  }
}

const same = (nodes: readonly Made[]): readonly Made[] => nodes;
const reversed = (nodes: readonly Made[]): readonly Made[] => nodes.toReversed();

test("random directories", async () => {
  let gone = 0;
  for (let seed = 1; seed <= 25; seed += 1) {
    const outcome = await run(seed, same);
    expect(await run(seed, reversed)).toEqual(outcome);
    gone += outcome.gone.length;
  }
  // Else it would prove nothing.
  expect(gone).toBeGreaterThan(50);
});
