import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reasonOf } from "../../host/reason.ts";
import { connectGrpc, type GrpcConnection } from "../../runtime/grpc.ts";
import { startFakeContainerd } from "../../runtime/testing/fake-containerd.ts";
import { makeOwnServices, type OwnMethod } from "../../runtime/testing/fake-own-services.ts";
import { Refusal } from "../../runtime/testing/grpc-server.ts";
import { encodeMessage } from "../../runtime/wire/encode.ts";
import { askOwnServices } from "./own-services.ts";

const id = (digit: string): string => digit.repeat(64);
const never = new AbortController().signal;
let folder: string;
let connection: GrpcConnection;
let closing: (() => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-own-"));
  connection = connectGrpc(join(folder, "c.sock"));
  closing = [];
});

afterEach(async () => {
  connection.close();
  for (const close of closing) close();
  await rm(folder, { recursive: true });
});

async function serve(without: readonly OwnMethod[] = []) {
  const own = makeOwnServices(without);
  const fake = await startFakeContainerd({ socketPath: join(folder, "c.sock"), own });
  closing.push(() => fake.close());
  own.containers.add(id("a"));
  own.sandboxes.add(id("b"));
  own.leases.add(id("c"));
  return own;
}

const failure = async (): Promise<string> =>
  askOwnServices(connection, never).then(
    () => "did not fail",
    (thrown: unknown) => reasonOf(thrown),
  );

describe("containerd's own services", () => {
  it("are all asked, in kubelet's namespace, for sandboxes alone", async () => {
    const own = await serve();
    expect(await askOwnServices(connection, never)).toEqual(new Set([id("a"), id("b"), id("c")]));
    expect(own.calls.map(({ namespace }) => namespace)).toEqual(["k8s.io", "k8s.io", "k8s.io"]);
    const filter = own.calls.find(({ method }) => method.includes("Containers"))?.request.toString();
    expect(filter).toContain('labels."io.cri-containerd.kind"==sandbox');
  });

  it.each<[OwnMethod, string]>([
    ["containers", "bc"],
    ["sandboxes", "ac"],
    ["leases", "ab"],
  ])("without %s give what the others know", async (service, left) => {
    await serve([service]);
    expect(await askOwnServices(connection, never)).toEqual(new Set(Array.from(left, id)));
  });

  it("that are not there at all leave nothing", async () => {
    await serve(["containers", "sandboxes", "leases"]);
    expect(await askOwnServices(connection, never)).toEqual(new Set());
  });

  it("give lists of thousands", async () => {
    const own = await serve();
    for (let number = 0; number < 5_000; number++) own.containers.add(number.toString(16).padStart(64, "0"));
    expect((await askOwnServices(connection, never)).size).toBe(5_003);
  });

  const services = ["containers", "sandboxes", "leases"] as const;
  it.each(services)("fail as a whole if %s fails in any way but being absent", async (service) => {
    const own = await serve();
    for (const code of [
      status.UNAVAILABLE,
      status.UNKNOWN,
      status.INTERNAL,
      status.DEADLINE_EXCEEDED,
      status.NOT_FOUND,
    ]) {
      own.faults.set(service, new Refusal(code, "no"));
      expect(await failure()).toMatch(/^containerd\.services\.\S+List.*: no/);
    }
  });

  it.each(services)("fail if %s answers with nonsense", async (service) => {
    const own = await serve();
    const nonsense = [
      Buffer.from("garbage"),
      Buffer.from([0x0a]),
      encodeMessage([[1, 7n]]),
      // An entry without its id.
      encodeMessage([[1, encodeMessage([[3, "image"]])]]),
      encodeMessage([[1, encodeMessage([[1, 7n]])]]),
    ];
    for (const bytes of nonsense) {
      own.faults.set(service, bytes);
      expect(await failure()).toMatch(/^containerd\.services\.\S+List.*: \S+/);
    }
  });

  it("fail if the list of containers breaks off in the middle", async () => {
    const own = makeOwnServices();
    const path = "/containerd.services.containers.v1.Containers/ListStream";
    const broken = {
      ...own,
      streams: {
        async *[path]() {
          yield encodeMessage([[1, encodeMessage([[1, id("a")]])]]);
          throw new Refusal(status.UNAVAILABLE, "shutting down");
        },
      },
    };
    const fake = await startFakeContainerd({ socketPath: join(folder, "c.sock"), own: broken });
    closing.push(() => fake.close());
    expect(await failure()).toContain("shutting down");
  });

  it("end when their caller gives up, and are not asked after that", async () => {
    const own = makeOwnServices();
    const giveUp = new AbortController();
    const path = "/containerd.services.containers.v1.Containers/ListStream";
    const hanging = {
      ...own,
      streams: {
        async *[path]() {
          giveUp.abort();
          yield encodeMessage([[1, encodeMessage([[1, id("a")]])]]);
          await new Promise(() => {});
        },
      },
    };
    const fake = await startFakeContainerd({ socketPath: join(folder, "c.sock"), own: hanging });
    closing.push(() => fake.close());
    await expect(askOwnServices(connection, giveUp.signal)).rejects.toThrow("ListStream");
    await expect(askOwnServices(connection, giveUp.signal)).rejects.toThrow("containerd.services");
  });
});
