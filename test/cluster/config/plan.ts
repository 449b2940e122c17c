import { readFile } from "node:fs/promises";
import type { MachineSpec, ShownFile } from "./addresses.ts";
import type { ControlPlanePrograms } from "./control-plane.ts";

/** What one cluster is made of; written by the starter, read by the processes that run it. */
export interface ClusterPlan {
  /** Short random name; the cluster's cgroups are called `nodelatch-<id>`. */
  readonly id: string;
  readonly workFolder: string;
  readonly machines: readonly MachineSpec[];
  readonly programs: ControlPlanePrograms & { readonly kubelet: string };
}

/** Reads plan.json. Throws naming the field that is missing. */
export async function readPlan(file: string): Promise<ClusterPlan> {
  const raw: unknown = JSON.parse(await readFile(file, "utf8"));
  const plan = fields(raw, "plan");
  const programs = fields(plan["programs"], "plan.programs");
  const program = (name: string): string => text(programs[name], `plan.programs.${name}`);
  const machines: unknown = plan["machines"];
  if (!Array.isArray(machines)) throw new Error("plan.machines: expected a list");
  return {
    id: text(plan["id"], "plan.id"),
    workFolder: text(plan["workFolder"], "plan.workFolder"),
    machines: machines.map((machine: unknown, index) => parseMachine(machine, `plan.machines[${index}]`)),
    programs: {
      etcd: program("etcd"),
      apiServer: program("apiServer"),
      controllerManager: program("controllerManager"),
      scheduler: program("scheduler"),
      kubeProxy: program("kubeProxy"),
      kubelet: program("kubelet"),
    },
  };
}

function parseMachine(raw: unknown, at: string): MachineSpec {
  const machine = fields(raw, at);
  const files: unknown = machine["files"];
  if (!Array.isArray(files)) throw new Error(`${at}.files: expected a list`);
  const plugin = machine["lastPlugin"];
  return {
    name: text(machine["name"], `${at}.name`),
    files: files.map((file: unknown, index) => parseFile(file, `${at}.files[${index}]`)),
    lastPlugin: plugin === null ? null : text(plugin, `${at}.lastPlugin`),
    address: text(machine["address"], `${at}.address`),
    podSubnet: text(machine["podSubnet"], `${at}.podSubnet`),
  };
}

function parseFile(raw: unknown, at: string): ShownFile {
  const file = fields(raw, at);
  return { path: text(file["path"], `${at}.path`), shows: text(file["shows"], `${at}.shows`) };
}

/** An unknown value as an object's fields, or an error that says where one was expected. */
export function fields(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${at}: expected an object, got ${JSON.stringify(value)}`);
  }
  return Object.fromEntries(Object.entries(value));
}

/** An unknown value as text, or an error that says where one was expected. */
export function text(value: unknown, at: string): string {
  if (typeof value === "string") return value;
  throw new Error(`${at}: expected text, got ${JSON.stringify(value)}`);
}
