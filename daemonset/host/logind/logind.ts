/** What the agent asks of logind and of systemd, typed. Each rejects when the answer is no answer. */
import type { BusConnection, BusSignal, BusTarget } from "./bus.ts";

export const LOGIND = "org.freedesktop.login1";
const LOGIND_PATH = "/org/freedesktop/login1";
const LOGIND_MANAGER = "org.freedesktop.login1.Manager";
const BUS = "org.freedesktop.DBus";
const properties = { interface: "org.freedesktop.DBus.Properties", member: "Get" };

/** The match rules a watcher of shutdowns needs. */
export const shutdownMatches = [
  `type='signal',sender='${LOGIND}',path='${LOGIND_PATH}',interface='${LOGIND_MANAGER}',member='PrepareForShutdown'`,
  `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${LOGIND}'`,
];

/** USEC_INFINITY, systemd's word for "no bound". */
const INFINITE_MICROS = 2n ** 64n - 1n;

/** Whether logind is about to shut the node down, or at it. Stays true once the delay is over. */
export async function preparingForShutdown(bus: BusConnection, signal: AbortSignal): Promise<boolean> {
  const value = await logindProperty(bus, "PreparingForShutdown", signal);
  if (typeof value === "boolean") return value;
  throw new Error(`logind's PreparingForShutdown is ${shown(value)}; expected true or false`);
}

/** How long a delay lock holds a shutdown at most; Infinity if without bound. */
export async function inhibitDelayMaxMillis(bus: BusConnection, signal: AbortSignal): Promise<number> {
  const value = await logindProperty(bus, "InhibitDelayMaxUSec", signal);
  if (typeof value !== "bigint" || value < 0n) {
    throw new Error(`logind's InhibitDelayMaxUSec is ${shown(value)}; expected microseconds`);
  }
  return value === INFINITE_MICROS ? Infinity : Number(value / 1000n);
}

export interface InhibitorEntry {
  readonly what: readonly string[];
  readonly who: string;
  readonly why: string;
  readonly mode: string;
}

/** Every inhibitor lock that logind knows. Entries of another shape are left out. */
export async function listInhibitors(
  bus: BusConnection,
  signal: AbortSignal,
): Promise<readonly InhibitorEntry[]> {
  const target = { service: LOGIND, path: LOGIND_PATH, interface: LOGIND_MANAGER, member: "ListInhibitors" };
  const value = await bus.call(target, [], signal);
  if (!isList(value)) throw new Error(`logind's list of inhibitors is ${shown(value)}`);
  return value.flatMap((entry) => {
    if (!isList(entry)) return [];
    const [what, who, why, mode] = entry;
    if (typeof what !== "string" || typeof who !== "string") return [];
    if (typeof why !== "string" || typeof mode !== "string") return [];
    return [{ what: what.split(":"), who, why, mode }];
  });
}

/** `running`, `stopping`, `degraded`, ... as systemd says; any text, as newer versions may have more. */
export async function systemState(bus: BusConnection, signal: AbortSignal): Promise<string> {
  const target = { service: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1", ...properties };
  const value = await bus.call(target, ["org.freedesktop.systemd1.Manager", "SystemState"], signal);
  if (typeof value === "string") return value;
  throw new Error(`systemd's SystemState is ${shown(value)}; expected text`);
}

/** The unique name of the connection that is logind, undefined when there is none on this bus. */
export async function logindOwner(bus: BusConnection, signal: AbortSignal): Promise<string | undefined> {
  const target = { service: BUS, path: "/org/freedesktop/DBus", interface: BUS };
  if ((await bus.call({ ...target, member: "NameHasOwner" }, [LOGIND], signal)) !== true) return undefined;
  const owner = await bus.call({ ...target, member: "GetNameOwner" }, [LOGIND], signal);
  if (typeof owner === "string") return owner;
  throw new Error(`the owner of ${LOGIND} is ${shown(owner)}; expected a unique name`);
}

/** What a signal means to a watcher of shutdowns. */
export type LogindNews =
  | { readonly kind: "shutdown"; readonly preparing: boolean; readonly sender: string }
  /** `owner` is undefined when logind left. */
  | { readonly kind: "owner"; readonly owner: string | undefined };

export function newsIn(signal: BusSignal): LogindNews | undefined {
  const { sender, body } = signal;
  if (signal.interface === LOGIND_MANAGER && signal.member === "PrepareForShutdown") {
    const preparing = body[0];
    return typeof preparing === "boolean" ? { kind: "shutdown", preparing, sender } : undefined;
  }
  // Only the bus itself has this name as sender: nobody can own it.
  if (signal.member !== "NameOwnerChanged" || sender !== BUS || body[0] !== LOGIND) return undefined;
  const owner = body[2];
  return { kind: "owner", owner: typeof owner === "string" && owner !== "" ? owner : undefined };
}

async function logindProperty(bus: BusConnection, name: string, signal: AbortSignal): Promise<unknown> {
  const target: BusTarget = { service: LOGIND, path: LOGIND_PATH, ...properties };
  return bus.call(target, [LOGIND_MANAGER, name], signal);
}

function shown(value: unknown): string {
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return (text ?? "absent").slice(0, 60);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
