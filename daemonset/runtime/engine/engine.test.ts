import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ContainerRuntime } from "../runtime.ts";
import { somePod } from "../testing/cri-scenarios.ts";
import { openEngineDriver, type EngineDriver } from "../testing/engine-driver.ts";
import { engineScenarios } from "../testing/engine-scenarios.ts";
import { failureOf } from "../testing/failure.ts";
import { startFakeEngine, type EngineHandler, type FakeEngine } from "../testing/fake-engine.ts";
import { openEngine } from "./engine.ts";

const signal = new AbortController().signal;
let folder: string;
let fake: FakeEngine;
let runtime: ContainerRuntime;
let driver: EngineDriver;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-engine-"));
  const socketPath = join(folder, "d.sock");
  fake = await startFakeEngine(socketPath);
  runtime = openEngine({ socketPath, hostPath: "/run/docker.sock", callMillis: 10_000, listMillis: 10_000 });
  driver = openEngineDriver({ socketPath, image: "test" });
});

afterEach(async () => {
  fake.close();
  await rm(folder, { recursive: true });
});

describe("Docker", () => {
  it.each(engineScenarios)("$name", async ({ expectRight }) => {
    await expectRight({ runtime, driver, signal });
  });
});

async function createdContainer(name = "app"): Promise<string> {
  const pod = somePod();
  return driver.createContainer(await driver.createSandbox(pod, 0), pod, name, 0);
}

it("says that it refuses to remove what runs", () => {
  expect(runtime.refusesRunning).toBe(true);
});

describe("states", () => {
  it.each([
    ["paused", "running"],
    ["dead", "unknown"],
    ["removing", "unrecognized"],
    ["restarting", "unrecognized"],
    ["of-tomorrow", "unrecognized"],
  ])("%s reads as %s", async (status, expected) => {
    const id = await createdContainer();
    Object.assign(fake.containers.get(id) ?? {}, { status });
    expect((await runtime.listContainers(signal))[0]?.state).toBe(expected);
    expect((await runtime.containerState(id, signal))?.state).toBe(expected);
  });

  it("created, with the date of a start, is not taken for created", async () => {
    const id = await createdContainer();
    Object.assign(fake.containers.get(id) ?? {}, { startedAt: "2025-11-21T04:41:00Z" });
    expect((await runtime.containerState(id, signal))?.state).toBe("unrecognized");
  });
});

describe("names and labels", () => {
  it.each([
    ["a random suffix after a conflict", "/k8s_app_web_default_u_4_1a2b3c", 4],
    ["no attempt", "/k8s_app_web_default_u", undefined],
    ["an attempt that is no number", "/k8s_app_web_default_u_x", undefined],
    ["another pod than the labels say", "/k8s_app_db_default_u_4", undefined],
    ["no name of kubelet's", "/app", undefined],
  ])("%s", async (_name, name, attempt) => {
    const id = await driver.createContainer("s", { uid: "u", namespace: "default", name: "web" }, "app", 0);
    const container = fake.containers.get(id);
    fake.containers.set(id, {
      id,
      config: undefined,
      created: "",
      startedAt: "",
      status: "",
      ...container,
      name,
    });
    const [listed] = await runtime.listContainers(signal);
    expect(listed?.pod?.uid).toBe(attempt === undefined ? undefined : "u");
    expect(listed?.attempt).toBe(attempt ?? 0);
    expect((await runtime.containerState(id, signal))?.pod).toEqual(listed?.pod);
  });
});

describe("dates", () => {
  it("are looked up once for each container and kept", async () => {
    await createdContainer("a");
    await createdContainer("b");
    await runtime.listContainers(signal);
    const again = await runtime.listContainers(signal);
    expect(again.map((container) => container.createdAtNanos % 1_000_000_000n)).toEqual([2n, 4n]);
    const inspections = fake.calls.filter(
      (call) => call.endsWith("/json") && !call.endsWith("/containers/json"),
    );
    expect(inspections).toHaveLength(2);
  });

  it("a container that goes away during the list is not in it", async () => {
    const id = await createdContainer();
    fake.override(/GET .*\/containers\/json/, (_request, response) => {
      fake.override(/^$/, undefined);
      response.end(JSON.stringify([{ Id: id, Names: [], State: "created", Labels: {} }]));
      fake.containers.delete(id);
    });
    expect(await runtime.listContainers(signal)).toEqual([]);
  });
});

describe("API versions", () => {
  it("are agreed again after the engine was replaced by one that dropped ours", async () => {
    await runtime.listContainers(signal);
    fake.versions = { ApiVersion: "1.52", MinAPIVersion: "1.44", Version: "29.0.0" };
    expect((await failureOf(runtime.listContainers(signal))).message).toContain(
      "client version 1.41 is too old",
    );
    expect(await runtime.listContainers(signal)).toEqual([]);
    expect(fake.calls.at(-1)).toBe("GET /v1.44/containers/json");
  });

  it("below what is read here are too old", async () => {
    fake.versions = { ApiVersion: "1.23", MinAPIVersion: "1.12", Version: "1.11.2" };
    expect(await failureOf(runtime.version(signal))).toMatchObject({
      kind: "too-old",
      message: "docker at /run/docker.sock: 1.11.2 is too old: its API is below 1.24; upgrade Docker",
    });
  });
});

describe("errors and nonsense", () => {
  const status =
    (code: number, body: string): EngineHandler =>
    (_request, response) => {
      response.writeHead(code).end(body);
    };

  it.each<[string, string, EngineHandler]>([
    ["a 500", "other", status(500, '{"message":"boom"}')],
    ["a 503", "unavailable", status(503, '{"message":"starting"}')],
    ["another server's 404", "nonsense", status(404, '{"message":"page not found"}')],
    ["text", "nonsense", status(200, "<html>")],
    ["an object for a list", "nonsense", status(200, "{}")],
    ["a list of numbers", "nonsense", status(200, "[1]")],
    ["a container without id", "nonsense", status(200, "[{}]")],
    [
      "a list without end",
      "nonsense",
      (_request, response) => {
        const pump = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(1_000_000, "["), pump);
        };
        pump();
      },
    ],
    [
      "headers without end",
      "nonsense",
      (_request, response) => {
        response.socket?.write(`HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(20_000)}`);
      },
    ],
    [
      "half a list, then the connection breaks",
      "unavailable",
      (_request, response) => {
        response.write("[", () => response.destroy());
      },
    ],
    ["half a list, then silence", "deadline", (_request, response) => response.write("[")],
    ["silence", "deadline", () => {}],
    [
      "another protocol",
      "nonsense",
      (_request, response) => {
        response.socket?.end("SSH-2.0-OpenSSH_9.2\r\n");
      },
    ],
  ])("%s", async (_name, kind, handler) => {
    fake.override(/containers\/json/, handler);
    const failure = await failureOf((kind === "deadline" ? hasty() : runtime).listContainers(signal));
    expect([failure.kind, failure.message]).toEqual([kind, failure.message]);
    expect(failure.message).toMatch(/^docker at \/run\/docker\.sock: /);
  });

  it("a list whose every date takes long ends at the deadline", async () => {
    for (let number = 0; number < 20; number++) await createdContainer(`c${number}`);
    fake.override(/containers\/[0-9a-f]{64}\/json/, (request, response) => {
      const Id = request.url?.split("/")[3];
      const inspected = { Id, Created: "2025-11-21T04:40:00Z", State: { Status: "exited" }, Config: {} };
      setTimeout(() => response.end(JSON.stringify(inspected)), 250);
    });
    const started = performance.now();
    // Each date comes in time, all of them together do not.
    expect((await failureOf(hasty(5_000).listContainers(signal))).kind).toBe("deadline");
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each([
    ["of another container", { Id: "other" }],
    ["without a state", { State: undefined }],
    ["with a date that is none", { Created: "yesterday" }],
  ])("an inspection %s", async (_name, change) => {
    const right = { Id: "c", Created: "2025-11-21T04:40:00Z", State: { Status: "exited" }, Config: {} };
    fake.override(/containers\/c\/json/, (_request, response) => {
      response.end(JSON.stringify({ ...right, ...change }));
    });
    expect((await failureOf(runtime.containerState("c", signal))).kind).toBe("nonsense");
  });

  it("created, yet running, is not taken for created", async () => {
    const State = { Status: "created", Running: true, StartedAt: "0001-01-01T00:00:00Z" };
    fake.override(/containers\/c\/json/, (_request, response) => {
      response.end(JSON.stringify({ Id: "c", Created: "2025-11-21T04:40:00Z", State, Config: {} }));
    });
    expect((await runtime.containerState("c", signal))?.state).toBe("unrecognized");
  });

  it("removal that fails is a result", async () => {
    fake.override(
      /DELETE/,
      status(500, '{"message":"driver \\"overlay2\\" failed to remove root filesystem"}'),
    );
    const id = await createdContainer();
    const message = 'docker at /run/docker.sock: remove: driver "overlay2" failed to remove root filesystem';
    expect(await runtime.removeContainer(id, signal)).toMatchObject({ kind: "failed", message });
  });

  it("a caller that gives up is heard", async () => {
    await runtime.version(signal);
    const giveUp = new AbortController();
    fake.override(/containers\/json/, () => giveUp.abort());
    expect(await failureOf(runtime.listContainers(giveUp.signal))).toMatchObject({
      kind: "deadline",
      message: "docker at /run/docker.sock: GET /v1.41/containers/json: given up, no longer wanted",
    });
  });

  it("nobody there is unavailable", async () => {
    const lonely = openEngine({ socketPath: join(folder, "none.sock"), hostPath: "/run/docker.sock" });
    const failure = await failureOf(lonely.version(signal));
    expect(failure.kind).toBe("unavailable");
    expect(failure.message).toContain("ENOENT");
  });
});

/** Its deadline is what is tested; elsewhere a busy machine must not bring one about. */
function hasty(callMillis = 600): ContainerRuntime {
  return openEngine({
    socketPath: join(folder, "d.sock"),
    hostPath: "/run/docker.sock",
    callMillis,
    listMillis: 600,
  });
}
