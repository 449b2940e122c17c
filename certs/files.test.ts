import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { issueAuthority, type Authority } from "./authority.ts";
import { makePairDirectory } from "./directory.ts";
import { makeFileKeeper, type FileKeeperOptions } from "./files.ts";
import type { CertificateKeeper } from "./keeper.ts";
import { issueLeaf, type Leaf } from "./leaf.ts";
import { FakeConfiguration } from "./testing/fake-configuration.ts";
import { makeWorld } from "./world.ts";

const DAY = 86_400_000;
const names = ["hook.ns.svc"];
const authority = issueAuthority(Date.now(), DAY);
const stopAll: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stopAll.splice(0).map((stop) => stop()));
});

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "nodelatch-files-"));
  stopAll.push(() => Promise.resolve(rmSync(path, { recursive: true })));
  return path;
}

interface Started {
  readonly keeper: CertificateKeeper;
  readonly configuration: FakeConfiguration;
  readonly lines: readonly string[];
}

function start(
  path: string,
  options: Partial<FileKeeperOptions> = {},
  caBundles: string[] | undefined = [""],
): Started {
  const configuration = new FakeConfiguration(caBundles);
  const lines: string[] = [];
  const stop = new AbortController();
  const keeper = makeFileKeeper({
    directory: makePairDirectory(path),
    configurations: [{ configuration, required: true }],
    caBundle: "inject",
    names,
    settings: { pollMillis: 50, settleMillis: 400, graceMillis: 60_000 },
    world: makeWorld(() => 0),
    log: pino({ level: "trace" }, { write: (line: string) => void lines.push(line) }),
    ...options,
  });
  const ended = keeper.run(stop.signal);
  stopAll.unshift(async () => {
    stop.abort();
    await ended;
  });
  return { keeper, configuration, lines };
}

function write(path: string, leaf: Leaf, by?: Authority): void {
  writeFileSync(join(path, "tls.crt"), leaf.certPem);
  writeFileSync(join(path, "tls.key"), leaf.keyPem);
  if (by !== undefined) writeFileSync(join(path, "ca.crt"), by.certPem);
}

function newLeaf(by: Authority = authority): Leaf {
  return issueLeaf(by, names, Date.now(), DAY);
}

const soon = { timeout: 15_000, interval: 10 };

test("a pair in a directory is served, and its ca.crt injected", async () => {
  const path = temporaryDirectory();
  const leaf = newLeaf();
  write(path, leaf, authority);
  const { keeper, configuration } = start(path);
  await vi.waitFor(() => expect(keeper.health().every(({ ok }) => ok)).toBe(true), soon);
  expect(keeper.current()?.certPem).toBe(leaf.certPem);
  expect(configuration.caBundles).toEqual([authority.certPem]);
});

test("a directory that comes to be later is served then; until then the missing file is named", async () => {
  const path = join(temporaryDirectory(), "later");
  const { keeper } = start(path);
  await vi.waitFor(() => expect(keeper.health()[0]?.detail).toContain(`open '${path}/tls.`), soon);
  mkdirSync(path);
  write(path, newLeaf(), authority);
  await vi.waitFor(() => expect(keeper.current()).toBeDefined(), soon);
});

test("a changed pair of the same authority is served at once, by notice rather than by poll", async () => {
  const path = temporaryDirectory();
  write(path, newLeaf(), authority);
  const settings = { pollMillis: 60_000, settleMillis: 0, graceMillis: 60_000 };
  const { keeper } = start(path, { settings });
  await vi.waitFor(() => expect(keeper.current()).toBeDefined(), soon);
  const leaf = newLeaf();
  write(path, leaf);
  await vi.waitFor(() => expect(keeper.current()?.certPem).toBe(leaf.certPem), soon);
});

test("a half-written or mismatched pair is not served: the old one stays until the new one is whole", async () => {
  const path = temporaryDirectory();
  const old = newLeaf();
  write(path, old, authority);
  const { keeper, lines } = start(path);
  const served: string[] = [];
  keeper.subscribe(({ certPem }) => served.push(certPem));
  await vi.waitFor(() => expect(served).toEqual([old.certPem]), soon);
  const leaf = newLeaf();
  writeFileSync(join(path, "tls.crt"), leaf.certPem);
  await vi.waitFor(
    () => expect(keeper.health()[0]?.detail).toContain("the key does not belong to the certificate"),
    soon,
  );
  expect(keeper.health()[0]?.ok).toBe(true);
  writeFileSync(join(path, "tls.key"), leaf.keyPem.slice(0, 100));
  await vi.waitFor(() => expect(keeper.health()[0]?.detail).toContain("the key can't be read"), soon);
  writeFileSync(join(path, "tls.key"), leaf.keyPem);
  await vi.waitFor(() => expect(served).toEqual([old.certPem, leaf.certPem]), soon);
  expect(lines.join("")).not.toContain(leaf.keyPem.slice(40, 80));
});

test("the kubelet's swap of the ..data link is read as one: never a mixture of two generations", async () => {
  const path = temporaryDirectory();
  const pairs = [newLeaf(), newLeaf()];
  pairs.forEach((leaf, generation) => {
    mkdirSync(join(path, `..gen${generation}`));
    write(join(path, `..gen${generation}`), leaf, authority);
  });
  let swaps = 0;
  const swap = (): void => {
    symlinkSync(`..gen${swaps % 2}`, join(path, "..data_tmp"));
    renameSync(join(path, "..data_tmp"), join(path, "..data"));
    swaps += 1;
  };
  swap();
  for (const file of ["tls.crt", "tls.key", "ca.crt"]) symlinkSync(`..data/${file}`, join(path, file));
  const swapping = setInterval(swap, 0);
  const directory = makePairDirectory(path);
  const keyOf = new Map(pairs.map(({ certPem, keyPem }) => [certPem, keyPem]));
  let mixtures = 0;
  for (let round = 0; round < 100; round += 1) {
    const reads = await Promise.all(Array.from({ length: 10 }, () => directory.read()));
    mixtures += reads.filter(({ certPem, keyPem }) => keyOf.get(certPem ?? "") !== keyPem).length;
  }
  clearInterval(swapping);
  expect(swaps).toBeGreaterThan(10);
  expect(mixtures).toBe(0);
  const { keeper } = start(path);
  await vi.waitFor(() => expect(keeper.current()?.certPem).toBe(pairs[(swaps - 1) % 2]?.certPem), soon);
});

test("a pair of a new authority waits until the caBundles have carried it for the settle time", async () => {
  const path = temporaryDirectory();
  write(path, newLeaf(), authority);
  const { keeper, configuration } = start(path);
  await vi.waitFor(() => expect(keeper.current()).toBeDefined(), soon);
  const next = issueAuthority(Date.now(), DAY);
  const leaf = newLeaf(next);
  // Both at the moment itself: whoever looks now and then may see the first of them late.
  let injectedAt = 0;
  let servedAt = 0;
  configuration.onWrite = (caBundles) => {
    if (injectedAt === 0 && caBundles[0]?.includes(next.certPem) === true) injectedAt = performance.now();
  };
  keeper.subscribe(({ certPem }) => {
    if (certPem === leaf.certPem) servedAt = performance.now();
  });
  write(path, leaf, next);
  await vi.waitFor(() => expect(configuration.caBundles[0]).toContain(next.certPem), soon);
  expect(configuration.caBundles[0]).toContain(authority.certPem);
  await vi.waitFor(() => expect(keeper.current()?.certPem).toBe(leaf.certPem), soon);
  expect(injectedAt).toBeGreaterThan(0);
  expect(servedAt - injectedAt).toBeGreaterThan(300);
});

test("an expired pair is not taken, and while nothing else is there, readiness says so", async () => {
  const path = temporaryDirectory();
  const old = issueAuthority(Date.now() - 2 * DAY, 3 * DAY);
  write(path, issueLeaf(old, names, Date.now() - 2 * DAY, DAY), old);
  const { keeper } = start(path);
  await vi.waitFor(() => expect(keeper.health()[0]?.detail).toContain("expired at"), soon);
  expect(keeper.current()).toBeUndefined();
  expect(keeper.health()[0]?.ok).toBe(false);
});

test("told only to observe, it writes nothing, and readiness waits for whoever injects", async () => {
  const path = temporaryDirectory();
  write(path, newLeaf(), authority);
  const { keeper, configuration } = start(path, { caBundle: "observe" });
  await vi.waitFor(() => expect(keeper.health()[1]?.detail).toContain("does not carry the authority"), soon);
  expect(configuration.caBundles).toEqual([""]);
  configuration.write([authority.certPem]);
  await vi.waitFor(() => expect(keeper.health()[1]?.ok).toBe(true), soon);
});

test("without a ca.crt it injects nothing, but sees whether the caBundle fits the certificate", async () => {
  const path = temporaryDirectory();
  write(path, newLeaf());
  const { keeper, configuration } = start(path, {}, [authority.certPem]);
  await vi.waitFor(() => expect(keeper.health()[1]?.ok).toBe(true), soon);
  configuration.write([issueAuthority(Date.now(), DAY).certPem]);
  await vi.waitFor(() => expect(keeper.health()[1]?.ok).toBe(false), soon);
  expect(configuration.caBundles[0]).not.toContain(authority.certPem);
});

test("told to ignore the caBundles, it is ready with the certificate alone", async () => {
  const path = temporaryDirectory();
  write(path, newLeaf(), authority);
  const { keeper, configuration } = start(path, { caBundle: "ignore" });
  await vi.waitFor(() => expect(keeper.health().every(({ ok }) => ok)).toBe(true), soon);
  expect(configuration.caBundles).toEqual([""]);
});

test("files that vanish leave the pair that is served", async () => {
  const path = temporaryDirectory();
  const leaf = newLeaf();
  write(path, leaf, authority);
  const { keeper } = start(path);
  await vi.waitFor(() => expect(keeper.current()).toBeDefined(), soon);
  unlinkSync(join(path, "tls.key"));
  await vi.waitFor(() => expect(keeper.health()[0]?.detail).toContain("tls.key"), soon);
  expect(keeper.current()?.certPem).toBe(leaf.certPem);
});
