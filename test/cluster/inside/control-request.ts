import { fields, text } from "../config/plan.ts";
import type { ComponentState } from "../process/component.ts";

/** What a test may ask of the running cluster, over its control socket. `machine: null` stands for the control plane. */
export type ControlRequest =
  | { readonly action: "state" }
  | { readonly action: "shutdown" }
  | {
      readonly action: "start" | "stop" | "kill";
      readonly machine: string | null;
      readonly component: string;
    }
  | { readonly action: "power-on" | "power-off"; readonly machine: string }
  | {
      readonly action: "exec";
      readonly machine: string | null;
      readonly argv: readonly string[];
      readonly timeoutMillis: number;
    };

/** Answer to `state`. Control-plane components have `machine: null`. */
export interface ClusterState {
  readonly machines: readonly { readonly name: string; readonly bootId: string | null }[];
  readonly components: readonly {
    readonly machine: string | null;
    readonly name: string;
    readonly state: ComponentState;
  }[];
}

/** Reads a request's body. Throws naming what is wrong with it. */
export function parseControlRequest(body: string): ControlRequest {
  const raw: unknown = JSON.parse(body);
  const request = fields(raw, "request");
  const action = text(request["action"], "request.action");
  switch (action) {
    case "state":
    case "shutdown":
      return { action };
    case "start":
    case "stop":
    case "kill":
      return {
        action,
        machine: machineOrNull(request["machine"]),
        component: text(request["component"], "request.component"),
      };
    case "power-on":
    case "power-off":
      return { action, machine: text(request["machine"], "request.machine") };
    case "exec":
      return {
        action,
        machine: machineOrNull(request["machine"]),
        argv: words(request["argv"]),
        timeoutMillis: millis(request["timeoutMillis"]),
      };
    default:
      throw new Error(`request.action: unknown action ${JSON.stringify(action)}`);
  }
}

function machineOrNull(raw: unknown): string | null {
  return raw === null ? null : text(raw, "request.machine");
}

function words(raw: unknown): readonly string[] {
  if (!Array.isArray(raw) || raw.length === 0) throw new Error("request.argv: expected a list of words");
  return raw.map((word: unknown, index) => text(word, `request.argv[${index}]`));
}

function millis(raw: unknown): number {
  if (typeof raw === "number" && raw > 0) return raw;
  throw new Error(`request.timeoutMillis: expected a positive number, got ${JSON.stringify(raw)}`);
}
