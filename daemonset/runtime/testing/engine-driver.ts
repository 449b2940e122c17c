/** What dockershim or cri-dockerd does to Docker, as far as tests need it. */
import { createReadStream } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { TestPod } from "./cri-driver.ts";
import { textAt } from "./shape.ts";

export interface EngineDriver {
  /** Creates and does not start; gives the id. */
  createSandbox(pod: TestPod, attempt: number): Promise<string>;
  createContainer(sandboxID: string, pod: TestPod, name: string, attempt: number): Promise<string>;
  /** A container that is nobody's. */
  createStranger(name: string): Promise<string>;
  start(id: string): Promise<void>;
  /** Kills it. */
  stop(id: string): Promise<void>;
  /** Docker's own answer on a container, parsed. */
  inspect(id: string): Promise<unknown>;
  /** Loads a docker archive. */
  loadImage(archive: string): Promise<void>;
}

export interface EngineDriverOptions {
  readonly socketPath: string;
  readonly image: string;
  /** Parent cgroup of all that is made. */
  readonly cgroupParent?: string;
}

const API = "/v1.41";

export function openEngineDriver(options: EngineDriverOptions): EngineDriver {
  const { socketPath, image } = options;

  async function send(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { Host: "docker", "Content-Type": "application/json" };
      const sent = request({ socketPath, method, path: API + path, agent: false, headers }, resolve);
      sent.on("error", reject);
      sent.end(body === undefined ? "" : JSON.stringify(body));
    });
    const said = await text(answer);
    if ((answer.statusCode ?? 500) >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${said}`);
    const value: unknown = said === "" ? undefined : JSON.parse(said);
    return value;
  }

  async function create(name: string, labels: Readonly<Record<string, string>>): Promise<string> {
    const config = {
      Image: image,
      Cmd: ["/bin/sleep", "3600"],
      Labels: labels,
      HostConfig: {
        NetworkMode: "none",
        ...(options.cgroupParent === undefined ? {} : { CgroupParent: options.cgroupParent }),
      },
    };
    return textAt(await send("POST", `/containers/create?name=${name}`, config), "Id");
  }

  return {
    createSandbox: async (pod, attempt) =>
      create(`k8s_POD_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}`, {
        ...podLabels(pod),
        "io.kubernetes.docker.type": "podsandbox",
      }),
    createContainer: async (sandboxID, pod, name, attempt) =>
      create(`k8s_${name}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}`, {
        ...podLabels(pod),
        "io.kubernetes.docker.type": "container",
        "io.kubernetes.container.name": name,
        "io.kubernetes.sandbox.id": sandboxID,
      }),
    createStranger: async (name) => create(name, {}),
    start: async (id) => {
      await send("POST", `/containers/${id}/start`);
    },
    stop: async (id) => {
      await send("POST", `/containers/${id}/stop?t=0`);
    },
    inspect: async (id) => send("GET", `/containers/${id}/json`),
    loadImage: async (archive) => {
      const sent = request({
        socketPath,
        method: "POST",
        path: `${API}/images/load?quiet=1`,
        agent: false,
        headers: { Host: "docker", "Content-Type": "application/x-tar" },
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        sent.on("response", resolve);
        sent.on("error", reject);
      });
      await pipeline(createReadStream(archive), sent);
      const said = await text(await answered);
      if (said.includes("error")) throw new Error(`load image: ${said}`);
    },
  };
}

function podLabels(pod: TestPod): Record<string, string> {
  return {
    "io.kubernetes.pod.uid": pod.uid,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.name": pod.name,
  };
}
