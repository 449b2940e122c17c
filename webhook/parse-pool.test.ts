import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test } from "vitest";
import { createParsePool, type ParsePool, type ParsePoolOptions, type PoolResult } from "./parse-pool.ts";
import { reviewBody } from "./testing/review-body.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";
const NEVER = new AbortController().signal;
const SMALL = Buffer.from(reviewBody());
const LARGE = reviewBody({ name: "x".repeat(200_000) });

/** With time for a worker that must answer: on a busy machine its start alone may take seconds. */
function pool(options: ParsePoolOptions = {}): ParsePool {
  const made = createParsePool({ jobTimeoutMillis: 60_000, ...options });
  onTestFinished(() => made.close());
  return made;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nodelatch-worker-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A worker entry with this text. */
function entry(source: string): URL {
  const path = join(temporaryFolder(), "worker.mjs");
  writeFileSync(path, `import { parentPort } from "node:worker_threads";\n${source}`);
  return pathToFileURL(path);
}

/** Goes wrong in a way that the body names, and answers everything else; `held` as soon as the file is there. */
const moody = (file = "/nowhere"): string => `import { existsSync } from "node:fs";
parentPort.on("message", (body) => {
  const text = Buffer.from(body).toString();
  const pause = new Int32Array(new SharedArrayBuffer(4));
  if (text === "held") while (!existsSync(${JSON.stringify(file)})) Atomics.wait(pause, 0, 0, 5);
  if (text.includes("hang")) for (;;);
  if (text.includes("throw")) throw new Error("moody");
  if (text.includes("exit")) process.exit(7);
  if (text.includes("nonsense")) parentPort.postMessage({ kind: "nonsense" });
  else parentPort.postMessage({ kind: "bad", code: 400, message: text.slice(0, 10), uid: "", apiVersion: "x" });
});`;

const TELLS_THREAD = `import { threadId } from "node:worker_threads";
parentPort.on("message", () => parentPort.postMessage({ kind: "bad", message: String(threadId) }));`;

/** The failure with its cause, as a log would show it. */
function failure(result: PoolResult): string {
  return result.kind === "failed" ? inspect(result.cause) : result.kind;
}

describe("a body", () => {
  test("that is small is parsed at once", () => {
    expect(pool().parse(SMALL, NEVER)).toMatchObject({ kind: "parsed", parsed: { kind: "review" } });
  });

  test("keeps the annotations that are watched, whoever parses it", async () => {
    const annotations = { "example.com/a": "1", "example.com/b": "2", "example.com/c": "x".repeat(100_000) };
    const body = reviewBody({ object: { metadata: { name: "n1", annotations } } });
    const watched = new Set(["example.com/b"]);
    const inline = pool({ watched, workerFromBytes: Number.MAX_SAFE_INTEGER }).parse(
      Buffer.from(body),
      NEVER,
    );
    const review = { node: { annotations: new Map([["example.com/b", "2"]]) } };
    expect(inline).toMatchObject({ kind: "parsed", parsed: { kind: "review", review } });
    expect(await pool({ watched }).parse(Buffer.from(body), NEVER)).toEqual(inline);
  });

  test("that is large is parsed by the worker, to the same review", async () => {
    const inline = pool({ workerFromBytes: Number.MAX_SAFE_INTEGER }).parse(Buffer.from(LARGE), NEVER);
    const pending = pool().parse(Buffer.from(LARGE), NEVER);
    expect(pending).toBeInstanceOf(Promise);
    expect(await pending).toEqual(inline);
    expect(inline).toMatchObject({ kind: "parsed", parsed: { kind: "review" } });
  });

  test("that is large and bad is refused with the same message and uid", async () => {
    const result = await pool().parse(Buffer.from(LARGE.replace("UPDATE", "PATCH!")), NEVER);
    expect(result).toMatchObject({ kind: "parsed", parsed: { kind: "bad", code: 400, uid: UID } });
  });

  test("that shares its memory with others is copied, not taken away from them", async () => {
    const shared = Buffer.from(`${LARGE}rest`);
    const result = await pool().parse(shared.subarray(0, shared.length - 4), NEVER);
    expect(result).toMatchObject({ kind: "parsed", parsed: { kind: "review" } });
    expect(shared.subarray(-4).toString()).toBe("rest");
  });

  test("deeper than any API server sends is refused, with its uid", async () => {
    const deep = `${"[".repeat(10_001)}${"]".repeat(10_001)}`;
    const body = LARGE.replace('"name":"x', `"deep":${deep},"name":"x`);
    expect(await pool().parse(Buffer.from(body), NEVER)).toMatchObject({
      parsed: { kind: "bad", uid: UID, message: expect.stringContaining("at most 10000 levels") as unknown },
    });
  });

  test("that needs more memory than the worker may use fails alone", async () => {
    const one = pool({ heapMebibytes: 16 });
    const wide = LARGE.replace('"x', `[${"{},".repeat(2_000_000)}1],"y":"x`);
    expect(failure(await one.parse(Buffer.from(wide), NEVER))).toContain("ERR_WORKER_OUT_OF_MEMORY");
    expect(await one.parse(Buffer.from(LARGE), NEVER)).toMatchObject({ parsed: { kind: "review" } });
  });
});

describe("a worker that", () => {
  test.each([
    // The next one has as long: time for a new worker to start in.
    ["hangs", "hang", "took longer than 6000 ms", 6_000],
    ["throws", "throw", "Error: moody", 60_000],
    ["exits", "exit", "exit code 7", 60_000],
    ["answers nonsense", "nonsense", "sent something else", 60_000],
  ])(
    "%s fails that review with its uid, and the next one gets a new worker",
    async (_name, mood, message, jobTimeoutMillis) => {
      const one = pool({ entry: entry(moody()), workerFromBytes: 0, jobTimeoutMillis });
      const start = `{"request":{"uid":"u-1"},"mood":`;
      const first = one.parse(Buffer.from(`${start}"${mood}"}`), NEVER);
      const next = one.parse(Buffer.from("fine"), NEVER);
      expect(await first).toMatchObject({ kind: "failed", uid: "u-1" });
      expect(failure(await first)).toContain(message);
      expect(await next).toMatchObject({ kind: "parsed", parsed: { message: "fine" } });
    },
  );

  test("hangs is given two seconds, if nothing else is said", async () => {
    const one = createParsePool({ entry: entry(moody()), workerFromBytes: 0 });
    onTestFinished(() => one.close());
    expect(failure(await one.parse(Buffer.from("hang"), NEVER))).toContain("took longer than 2000 ms");
  });

  test("can't start fails every review, and does not bring the process down", async () => {
    const one = pool({ entry: new URL("file:///nowhere/worker.mjs"), workerFromBytes: 0 });
    expect(failure(await one.parse(Buffer.from("a"), NEVER))).toContain("worker died");
    expect(failure(await one.parse(Buffer.from("b"), NEVER))).toContain("worker died");
  });

  test("hangs is really ended, and takes no more of the processor", async () => {
    const beat = join(temporaryFolder(), "beat");
    const source = `import { appendFileSync } from "node:fs";
      parentPort.on("message", () => { for (;;) appendFileSync(${JSON.stringify(beat)}, "."); });`;
    const one = pool({ entry: entry(source), workerFromBytes: 0, jobTimeoutMillis: 1_500 });
    // One that was ended before it had begun shows nothing.
    while (!existsSync(beat)) {
      expect(await one.parse(Buffer.from("a"), NEVER)).toMatchObject({ kind: "failed" });
    }
    // Its last write may be under way for as long as the disk takes.
    let last = -1;
    const isStill = async (): Promise<boolean> => {
      last = statSync(beat).size;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return statSync(beat).size === last;
    };
    await expect.poll(isStill).toBe(true);
    expect(last).toBeGreaterThan(0);
  });

  test("has ended a job takes the next one, too", async () => {
    const one = pool({ entry: entry(TELLS_THREAD), workerFromBytes: 0 });
    const first = await one.parse(Buffer.from("a"), NEVER);
    expect(await one.parse(Buffer.from("b"), NEVER)).toEqual(first);
  });

  test("has been idle is ended, and a new one comes when needed", async () => {
    const one = pool({ entry: entry(TELLS_THREAD), workerFromBytes: 0, idleMillis: 20 });
    const first = await one.parse(Buffer.from("a"), NEVER);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const second = await one.parse(Buffer.from("b"), NEVER);
    expect(first).toMatchObject({ kind: "parsed" });
    expect(second).toMatchObject({ kind: "parsed" });
    expect(second).not.toEqual(first);
  });
});

describe("waiting for the worker", () => {
  test("is bounded: what is beyond is turned away", async () => {
    const file = join(temporaryFolder(), "go");
    const one = pool({ entry: entry(moody(file)), workerFromBytes: 0, maxWaiting: 1 });
    const running = one.parse(Buffer.from("held"), NEVER);
    const waiting = one.parse(Buffer.from("fine"), NEVER);
    expect(one.parse(Buffer.from("beyond"), NEVER)).toEqual({ kind: "overloaded" });
    writeFileSync(file, "");
    expect(await running).toMatchObject({ kind: "parsed" });
    expect(await waiting).toMatchObject({ kind: "parsed" });
  });

  test("ends with the signal, and gives up its place", async () => {
    const file = join(temporaryFolder(), "go");
    const one = pool({ entry: entry(moody(file)), workerFromBytes: 0, maxWaiting: 1 });
    const running = one.parse(Buffer.from("held"), NEVER);
    const stop = new AbortController();
    const waiting = one.parse(Buffer.from('{"request":{"uid":"u-2"}}'), stop.signal);
    stop.abort();
    expect(await waiting).toEqual({ kind: "aborted", uid: "u-2" });
    const next = one.parse(Buffer.from("fine"), NEVER);
    writeFileSync(file, "");
    expect(await running).toMatchObject({ kind: "parsed" });
    expect(await next).toMatchObject({ kind: "parsed" });
  });

  test("ends when the pool is closed", async () => {
    const one = pool({ entry: entry(moody()), workerFromBytes: 0 });
    const running = one.parse(Buffer.from("hang"), NEVER);
    const waiting = one.parse(Buffer.from("fine"), NEVER);
    await one.close();
    expect(failure(await running)).toContain("parse review: closing");
    expect(failure(await waiting)).toContain("parse review: closing");
  });
});

test("the worker is found beside the bundle, too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nodelatch-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await build({
    entryPoints: ["parse-pool.ts", "parse-worker.ts"].map((file) => join(import.meta.dirname, file)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
  });
  const bundled: unknown = await import(pathToFileURL(join(folder, "parse-pool.mjs")).href);
  if (!isPoolModule(bundled)) throw new Error("the bundle lacks createParsePool");
  const one = bundled.createParsePool({ jobTimeoutMillis: 60_000 });
  onTestFinished(() => one.close());
  expect(await one.parse(Buffer.from(LARGE), NEVER)).toMatchObject({ parsed: { kind: "review" } });
});

function isPoolModule(value: unknown): value is { createParsePool: typeof createParsePool } {
  return typeof value === "object" && value !== null && "createParsePool" in value;
}
