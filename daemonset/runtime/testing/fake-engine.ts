/** Docker in memory over a real socket, with Docker's rules and words as they were measured, and faults on demand. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { json } from "node:stream/consumers";
import { textAt, valueAt } from "./shape.ts";

export interface FakeDockerContainer {
  readonly id: string;
  readonly name: string;
  readonly config: unknown;
  /** As inspect gives it. */
  created: string;
  startedAt: string;
  /** `created`, `running`, `exited` and so on. */
  status: string;
}

export type EngineHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeEngine {
  readonly containers: Map<string, FakeDockerContainer>;
  /** `GET /v1.41/containers/json`, in order, without queries. */
  readonly calls: string[];
  /** What `GET /version` says. */
  versions: { ApiVersion: string; MinAPIVersion: string; Version: string };
  /** Answers every request that matches `METHOD path`, instead of Docker. */
  override(matching: RegExp, handler: EngineHandler | undefined): void;
  close(): void;
}

const NEVER = "0001-01-01T00:00:00Z";

export async function startFakeEngine(socketPath: string): Promise<FakeEngine> {
  const containers = new Map<string, FakeDockerContainer>();
  const calls: string[] = [];
  let override: { readonly matching: RegExp; readonly handler: EngineHandler } | undefined;
  let made = 0;

  const engine: FakeEngine = {
    containers,
    calls,
    versions: { ApiVersion: "1.41", MinAPIVersion: "1.12", Version: "20.10.24" },
    override: (matching, handler) => {
      override = handler === undefined ? undefined : { matching, handler };
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://docker");
    const call = `${request.method} ${url.pathname}`;
    calls.push(call);
    if (override?.matching.test(call) === true) override.handler(request, response);
    else if (url.pathname === "/version") reply(response, 200, engine.versions);
    else await route(request, response, url);
  }

  async function route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const [, version = "", path = ""] = /^\/v(\d+\.\d+)(\/.*)$/.exec(url.pathname) ?? [];
    const { MinAPIVersion: least, ApiVersion: most } = engine.versions;
    if (minor(version) < minor(least)) {
      return reply(response, 400, {
        message: `client version ${version} is too old. Minimum supported API version is ${least}`,
      });
    }
    if (minor(version) > minor(most)) {
      return reply(response, 400, {
        message: `client version ${version} is too new. Maximum supported API version is ${most}`,
      });
    }
    if (path === "/containers/json") return reply(response, 200, list(url));
    if (path === "/containers/create") return create(response, url, await json(request));
    const [, id = "", action = ""] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const container = containers.get(id);
    if (id === "") return reply(response, 404, { message: "page not found" });
    if (container === undefined) return reply(response, 404, { message: `No such container: ${id}` });
    return act(response, container, `${request.method} ${action}`, url.searchParams.get("force") === "1");
  }

  function list(url: URL): readonly object[] {
    const filters: unknown = JSON.parse(url.searchParams.get("filters") ?? "{}");
    const wanted = textAt(valueAt(filters, "label"), "0");
    const [key = "", value = ""] = wanted.split("=");
    return [...containers.values()]
      .filter(({ config }) => valueAt(config, "Labels", key) === value)
      .map((container) => ({
        Id: container.id,
        Names: [container.name],
        State: container.status,
        Created: Math.floor(Date.parse(container.created) / 1_000),
        Labels: valueAt(container.config, "Labels"),
      }));
  }

  function create(response: ServerResponse, url: URL, config: unknown): void {
    const name = `/${url.searchParams.get("name")}`;
    const holder = [...containers.values()].find((container) => container.name === name);
    if (holder !== undefined) {
      const message = `Conflict. The container name "${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`;
      return reply(response, 409, { message });
    }
    const id = randomBytes(32).toString("hex");
    const created = `2025-11-21T04:40:00.${String((made += 1)).padStart(9, "0")}Z`;
    containers.set(id, { id, name, config, created, startedAt: NEVER, status: "created" });
    return reply(response, 201, { Id: id, Warnings: [] });
  }

  function act(
    response: ServerResponse,
    container: FakeDockerContainer,
    action: string,
    force: boolean,
  ): void {
    switch (action) {
      case "GET json":
        return reply(response, 200, inspected(container));
      case "POST start":
        Object.assign(container, { status: "running", startedAt: "2025-11-21T04:41:00.5Z" });
        return reply(response, 204);
      case "POST stop":
        Object.assign(container, { status: "exited" });
        return reply(response, 204);
      case "DELETE ":
        if (container.status === "running" && !force) {
          const message = `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`;
          return reply(response, 409, { message });
        }
        containers.delete(container.id);
        return reply(response, 204);
      default:
        return reply(response, 404, { message: "page not found" });
    }
  }

  const server = createServer((request, response) => {
    response.on("error", () => {});
    void answer(request, response);
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(socketPath);
  await once(server, "listening");
  return engine;
}

function inspected(container: FakeDockerContainer): object {
  return {
    Id: container.id,
    Created: container.created,
    Name: container.name,
    State: {
      Status: container.status,
      Running: container.status === "running",
      StartedAt: container.startedAt,
    },
    Config: { Labels: valueAt(container.config, "Labels") },
  };
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}

function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}
