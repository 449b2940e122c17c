/** CRI messages to bytes and back through protobufjs: a second implementation to hold the agent's own against. */
import { join } from "node:path";
import { type MethodDefinition, loadSync } from "@grpc/proto-loader";

export type CriMethod =
  | "Version"
  | "Status"
  | "RunPodSandbox"
  | "StopPodSandbox"
  | "RemovePodSandbox"
  | "ListPodSandbox"
  | "CreateContainer"
  | "StartContainer"
  | "StopContainer"
  | "RemoveContainer"
  | "ListContainers"
  | "ContainerStatus";

// Numbers that may not fit a double come as text; unknown enum values come as numbers.
const definitions = loadSync(join(import.meta.dirname, "cri.proto"), {
  keepCase: true,
  longs: String,
  enums: Number,
  defaults: true,
});

export function criPath(method: CriMethod): string {
  return `/runtime.v1.RuntimeService/${method}`;
}

function definitionOf(method: CriMethod): MethodDefinition<object, object> {
  const service = definitions["runtime.v1.RuntimeService"];
  if (service === undefined || "format" in service) throw new Error("cri.proto: no service RuntimeService");
  const definition = service[method];
  if (definition === undefined) throw new Error(`cri.proto: no method ${method}`);
  return definition;
}

export function encodeRequest(method: CriMethod, request: object): Buffer {
  return definitionOf(method).requestSerialize(request);
}

export function decodeRequest(method: CriMethod, bytes: Buffer): object {
  return definitionOf(method).requestDeserialize(bytes);
}

/** Field names as in cri.proto, 64-bit integers as decimal text. */
export function encodeResponse(method: CriMethod, response: object): Buffer {
  return definitionOf(method).responseSerialize(response);
}

export function decodeResponse(method: CriMethod, bytes: Buffer): object {
  return definitionOf(method).responseDeserialize(bytes);
}
