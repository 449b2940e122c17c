import type { Component } from "../process/component.ts";
import { run } from "../process/run.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { ClusterState, ControlRequest } from "./control-request.ts";
import type { Machine } from "./machine.ts";

// A stopped API server refuses requests at once, but its process waits a minute for watchers to leave.
const stopGraceMillis = 5_000;

/** Carries out a request; what it returns is the answer's body. */
export async function carryOut(
  request: ControlRequest,
  controlPlane: ControlPlane,
  machines: readonly Machine[],
): Promise<unknown> {
  switch (request.action) {
    case "state":
      return stateOf(controlPlane, machines);
    case "shutdown":
      return {};
    case "power-on":
      await findMachine(machines, request.machine).on();
      return {};
    case "power-off":
      await findMachine(machines, request.machine).off();
      return {};
    case "exec": {
      const [program, ...args] = request.argv;
      if (program === undefined) throw new Error("request.argv: expected a program");
      const { machine, timeoutMillis } = request;
      // This process lives in the control plane's namespaces itself.
      if (machine === null) return run([program, ...args], { timeoutMillis });
      return findMachine(machines, machine).exec([program, ...args], timeoutMillis);
    }
    case "stop":
      await find(request, controlPlane, machines).stop(stopGraceMillis);
      return {};
    case "kill":
      await find(request, controlPlane, machines).kill();
      return {};
    case "start":
      find(request, controlPlane, machines).start();
      if (request.component === "kube-apiserver") await controlPlane.apiReady();
      return {};
    default:
      return request satisfies never;
  }
}

function stateOf(controlPlane: ControlPlane, machines: readonly Machine[]): ClusterState {
  const described = (machine: string | null, components: readonly Component[]) =>
    components.map((component) => ({ machine, name: component.name, state: component.state() }));
  return {
    machines: machines.map((machine) => ({ name: machine.name, bootId: machine.bootId() ?? null })),
    components: [
      ...described(null, controlPlane.components),
      ...machines.flatMap((machine) => described(machine.name, machine.services())),
    ],
  };
}

function findMachine(machines: readonly Machine[], name: string): Machine {
  const found = machines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`request.machine: no machine ${JSON.stringify(name)}`);
  return found;
}

function find(
  request: { readonly machine: string | null; readonly component: string },
  controlPlane: ControlPlane,
  machines: readonly Machine[],
): Component {
  const { machine } = request;
  const all = machine === null ? controlPlane.components : findMachine(machines, machine).services();
  const found = all.find((component) => component.name === request.component);
  if (found !== undefined) return found;
  const names = all.map((component) => component.name).join(", ");
  throw new Error(
    `request.component: no ${request.component} in ${machine ?? "the control plane"}, only ${names}`,
  );
}
