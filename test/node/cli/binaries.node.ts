/** `kubectl nodelatch` as executables that carry Node.js: made for all platforms, run where they can be. */
import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../../package.json" with { type: "json" };
import { checkPages, signAdHoc } from "../../../scripts/cli/ad-hoc-signature.ts";
import { readMachO } from "../../../scripts/cli/mach-o.ts";
import { PLATFORMS } from "../../../scripts/cli/platform.ts";
import { nodeCache, writeBinaries, type Binary } from "../../../scripts/cli-binaries.ts";
import { run } from "../../cluster/process/run.ts";
import { startStage, type Stage } from "../../simulated/stage.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const URL_BASE = "https://example.com/v1";
/** The libraries that an arm64 system has; qemu-user runs its programs. */
const NATIVE: readonly string[] = [];
const ARM64: readonly string[] = ["/usr/bin/qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"];
/** Emulated, it starts in 4 s where nothing else runs. */
const timeoutMillis = 120_000;

let folder: string;
let stage: Stage;
let kubeconfig: string;
let made: ReadonlyMap<string, Binary>;
let manifest: unknown;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-binaries-"));
  const request = { root, outDir: folder, cache: nodeCache(), platforms: PLATFORMS, url: URL_BASE };
  const { binaries } = await writeBinaries(request);
  made = new Map(binaries.map((binary) => [`${binary.platform.os}-${binary.platform.arch}`, binary]));
  manifest = parse(await readFile(join(folder, "nodelatch.yaml"), "utf8"));
  stage = await startStage();
  kubeconfig = await stage.kubeconfigFile("admin");
}, 900_000);
afterAll(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
});

const named = (name: string): Binary => {
  const found = made.get(name);
  if (found === undefined) throw new Error(`no binary for ${name}`);
  return found;
};
const platforms = PLATFORMS.map(({ os, arch }) => `${os}-${arch}`);

test.each(platforms)(
  "%s: the manifest has the digest of its archive, which holds all licences",
  async (name) => {
    const { archive, platform } = named(name);
    const sha256 = createHash("sha256")
      .update(await readFile(archive))
      .digest("hex");
    const { os, arch } = platform;
    const offered: unknown = expect.arrayContaining([
      expect.objectContaining({
        selector: { matchLabels: { os, arch } },
        uri: `${URL_BASE}/kubectl-nodelatch-${name}.tar.gz`,
        sha256,
      }),
    ]);
    expect(manifest).toMatchObject({ spec: { platforms: offered } });
    const { stdout } = await run(["tar", "-tzf", archive], { timeoutMillis });
    expect(stdout.trim().split("\n")).toEqual([
      "kubectl-nodelatch",
      "LICENSE",
      "LICENCES.txt",
      "LICENSE-node.txt",
    ]);
  },
);

test.each([
  ["linux-amd64", NATIVE],
  ["linux-arm64", ARM64],
])(
  "%s: runs without any Node.js, and talks to a cluster",
  async (name, emulator) => {
    const { archive } = named(name);
    const place = await mkdtemp(join(folder, "unpacked-"));
    await run(["tar", "-xzf", archive, "-C", place], { timeoutMillis });
    const binary = join(place, "kubectl-nodelatch");
    const [program = binary, ...words] = emulator.length === 0 ? [] : [...emulator, binary];
    const options = { timeoutMillis, env: { PATH: "/nowhere", NODE_OPTIONS: "--not-for-us" } };
    const version = await run([program, ...words, "version"], options);
    expect(version).toMatchObject({ code: 0, stdout: `nodelatch ${packageJson.version}\n` });
    const asked = await run([program, ...words, "verify", "n1", "--kubeconfig", kubeconfig], options);
    expect(asked).toMatchObject({
      code: 1,
      stdout: "n1: closed\n  node n1 does not exist (waiting does not help)\n",
    });
  },
  300_000,
);

test.each([
  ["linux-amd64", "7f454c46", 18, 0x3e],
  ["linux-arm64", "7f454c46", 18, 0xb7],
  ["darwin-amd64", "cffaedfe", 4, 7],
  ["darwin-arm64", "cffaedfe", 4, 12],
])("%s is of its kind and for its processor", async (name, magic, at, machine) => {
  const file = await open(named(name).executable);
  const head = Buffer.alloc(64);
  await file.read(head, 0, 64, 0);
  await file.close();
  expect(head.toString("hex", 0, 4)).toBe(magic);
  expect(head[at]).toBe(machine);
});

test.each(["darwin-amd64", "darwin-arm64"])("%s: every page is as its signature says", async (name) => {
  const file = await readFile(named(name).executable);
  const { limit, ...rest } = checkPages(file);
  expect(rest).toEqual({
    identifier: "kubectl-nodelatch",
    flags: 2,
    pages: Math.ceil(limit / 4_096),
    wrong: [],
  });
  expect(limit).toBe(readMachO(file).signature?.offset);
});

test("Apple's own signature of what they are made from is checked the same way", async () => {
  const { name, version } = named("darwin-arm64").platform.node;
  expect(checkPages(await readFile(join(nodeCache(), `${name}-${version}`, "bin", "node")))).toMatchObject({
    identifier: "node",
    wrong: [],
  });
});

test("Go's linker signs a program for arm64 Macs as we do", async () => {
  const place = await mkdtemp(join(folder, "go-"));
  await writeFile(join(place, "main.go"), 'package main\n\nfunc main() { println("hi") }\n');
  await writeFile(join(place, "go.mod"), "module hi\n");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: place,
    GOOS: "darwin",
    GOARCH: "arm64",
    CGO_ENABLED: "0",
  };
  const built = await run(["go", "build", "-o", "hi", "."], {
    cwd: place,
    env,
    timeoutMillis: 300_000,
  });
  expect(built.stderr).toBe("");
  const theirs = await readFile(join(place, "hi"));
  const ours = signAdHoc(withoutSignature(theirs), "a.out");
  const [a, b] = [superBlobOf(theirs), superBlobOf(ours)];
  expect(b.length).toBe(a.length);
  const other = [...a.keys()].filter((at) => a[at] !== b[at]);
  // Their flag says that a linker did it; and the first page has the sizes, which we round up to 16 bytes.
  const firstPage = 20 + 88 + "a.out\0".length;
  expect(other.filter((at) => at !== 33 && (at < firstPage || at >= firstPage + 32))).toEqual([]);
}, 300_000);

/** Go puts the load command last. */
function withoutSignature(signed: Buffer): Buffer {
  const { commandCount, commandsEnd, segments, signature } = readMachO(signed);
  const linkedit = segments.find(({ name }) => name === "__LINKEDIT");
  if (signature === undefined || linkedit === undefined) throw new Error("Go has not signed it");
  const file = Buffer.from(signed.subarray(0, signature.offset));
  file.writeUInt32LE(commandCount - 1, 16);
  file.writeUInt32LE(commandsEnd - 32 - 16, 20);
  file.writeBigUInt64LE(BigInt(file.length - linkedit.fileOffset), linkedit.at + 48);
  return file;
}

function superBlobOf(file: Buffer): Buffer {
  const at = readMachO(file).signature?.offset ?? 0;
  return file.subarray(at, at + file.readUInt32BE(at + 4));
}
