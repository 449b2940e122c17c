/** A bus, a logind and a systemd that do what a test says. */
import type { BusConnection, BusConnector, BusSignal } from "../logind/bus.ts";

export class FakeBus {
  /** Unique name of logind's connection; undefined without logind. */
  owner: string | undefined = ":1.5";
  preparing: unknown = false;
  delayMaxMicros: unknown = 5_000_000n;
  systemState: unknown = "running";
  inhibitors: unknown = [];
  /** Thrown by every connect while it is set. */
  refusal: Error | undefined;
  /** Members whose calls are never answered, `connect` included. */
  readonly hanging = new Set<string>();
  readonly rules: string[] = [];
  connects = 0;
  readonly calls: string[] = [];
  #onSignal: (signal: BusSignal) => void = () => {};
  #closed = new AbortController();

  readonly connect: BusConnector = async (onSignal, signal) => {
    this.connects += 1;
    if (this.refusal !== undefined) throw this.refusal;
    if (this.hanging.has("connect")) await ended(signal);
    this.#onSignal = onSignal;
    const closed = new AbortController();
    this.#closed = closed;
    this.rules.length = 0;
    const connection: BusConnection = {
      closed: closed.signal,
      close: () => closed.abort(new Error("closed by the agent")),
      match: async (rule) => void this.rules.push(rule),
      call: async (target, texts, callSignal) => {
        const member = texts.at(-1) ?? target.member;
        this.calls.push(member);
        closed.signal.throwIfAborted();
        if (this.hanging.has(member)) await ended(AbortSignal.any([callSignal, closed.signal]));
        return this.#answer(target.member, member);
      },
    };
    return connection;
  };

  #answer(method: string, member: string): unknown {
    if (method === "NameHasOwner") return this.owner !== undefined;
    if (method === "GetNameOwner") return this.owner;
    if (member === "PreparingForShutdown") return this.preparing;
    if (member === "InhibitDelayMaxUSec") return this.delayMaxMicros;
    if (member === "SystemState") return this.systemState;
    if (member === "ListInhibitors") return this.inhibitors;
    throw new Error(`unexpected call of ${member}`);
  }

  /** The bus goes away. */
  drop(): void {
    this.#closed.abort(new Error("bus ended the connection"));
  }

  announce(preparing: unknown, sender = this.owner ?? ":1.5"): void {
    this.#onSignal({
      sender,
      path: "/org/freedesktop/login1",
      interface: "org.freedesktop.login1.Manager",
      member: "PrepareForShutdown",
      body: [preparing],
    });
  }

  /** logind leaves (undefined) or comes. */
  changeOwner(owner: string | undefined, sender = "org.freedesktop.DBus"): void {
    const before = this.owner ?? "";
    if (sender === "org.freedesktop.DBus") this.owner = owner;
    this.#onSignal({
      sender,
      path: "/org/freedesktop/DBus",
      interface: "org.freedesktop.DBus",
      member: "NameOwnerChanged",
      body: ["org.freedesktop.login1", before, owner ?? ""],
    });
  }
}

async function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new Error("ended", { cause: signal.reason }));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
