/** Looks at the node's network now and then. Losing all of it is a state, never an error. */
import type { NetworkInterfaceInfo } from "node:os";
import type { Logger } from "pino";
import type { LastAddress } from "../journal/host-record.ts";
import { reasonOf } from "../reason.ts";
import type { Time } from "../time.ts";
import { chooseAddress, type InterfaceAddress, type NodeAddress } from "./address.ts";
import type { DefaultRoute } from "./routes.ts";

export interface NetworkState {
  /** Undefined before the first look. */
  readonly now: NodeAddress | undefined;
  /** The last good address, of this run or of one before. */
  readonly last: LastAddress | undefined;
  readonly defaultRouteIPv4: boolean;
  readonly defaultRouteIPv6: boolean;
  /** How often the address was another than before, this run. */
  readonly changes: number;
  /** Why the last look failed; the rest is as it was seen before. */
  readonly trouble: string | undefined;
}

export interface NetworkWatchOptions {
  /** `os.networkInterfaces` */
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly routes: () => Promise<readonly DefaultRoute[]>;
  /** The last good address, from the journal. */
  readonly last: LastAddress | undefined;
  /** A new good address, for the journal. */
  readonly onAddress: (address: LastAddress) => void;
  readonly time: Time;
  readonly log: Logger;
  /** Between two looks. Defaults to 60_000, jittered by a tenth. */
  readonly pollMillis?: number;
}

export interface NetworkWatch {
  /** Looks until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks once, now. Never rejects. */
  look(): Promise<void>;
  state(): NetworkState;
}

export function makeNetworkWatch(options: NetworkWatchOptions): NetworkWatch {
  const { time, log, pollMillis = 60_000 } = options;
  let state: NetworkState = {
    now: undefined,
    last: options.last,
    defaultRouteIPv4: false,
    defaultRouteIPv6: false,
    changes: 0,
    trouble: undefined,
  };

  async function look(): Promise<void> {
    try {
      const addresses = addressesOf(options.interfaces());
      const routes = await options.routes();
      adopt(chooseAddress({ addresses, routes }, state.last), routes);
    } catch (error) {
      const trouble = reasonOf(error);
      if (trouble !== state.trouble) log.warn({ err: error }, "network can't be looked at");
      state = { ...state, trouble };
    }
  }

  function adopt(now: NodeAddress, routes: readonly DefaultRoute[]): void {
    const before = state;
    state = {
      ...before,
      now,
      defaultRouteIPv4: routes.some((route) => route.family === "IPv4"),
      defaultRouteIPv6: routes.some((route) => route.family === "IPv6"),
      trouble: undefined,
    };
    if (before.now?.kind !== now.kind && now.kind !== "address") log.warn(now, "node has no address");
    if (now.kind !== "address") return;
    const { address, interface: name } = now;
    if (before.last?.address === address && before.last.interface === name) {
      if (before.now?.kind !== "address") log.info(now, "node has its address");
      return;
    }
    const changed = before.last !== undefined && before.last.address !== address;
    state = { ...state, last: { address, interface: name }, changes: before.changes + (changed ? 1 : 0) };
    log.info({ ...now, before: before.last }, "node has a new address");
    options.onAddress({ address, interface: name });
  }

  return {
    state: () => state,
    look,
    async run(signal) {
      while (!signal.aborted) {
        await look();
        await time.sleep(pollMillis * (0.9 + 0.2 * time.random()), signal);
      }
    },
  };
}

/** What a person should read of it, in a line. */
export function networkWords(state: NetworkState): string {
  const trouble = state.trouble === undefined ? "" : `; can't be looked at: ${state.trouble}`;
  const routes = [
    ...(state.defaultRouteIPv4 ? ["IPv4"] : []),
    ...(state.defaultRouteIPv6 ? ["IPv6"] : []),
  ].join(" and ");
  const route = routes === "" ? "no default route" : `default route for ${routes}`;
  return `${addressWords(state)}, ${route}${trouble}`;
}

function addressWords({ now, last }: NetworkState): string {
  const lastWords = last === undefined ? "" : ` (last was ${last.address} on ${last.interface})`;
  switch (now?.kind) {
    case undefined:
      return `not looked at yet${lastWords}`;
    case "address":
      return `${now.address} on ${now.interface}`;
    case "link-local-only":
      return `link-local addresses only, on ${now.interfaces.join(", ")}${lastWords}`;
    case "none":
      return `no address${lastWords}`;
  }
}

function addressesOf(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): readonly InterfaceAddress[] {
  return Object.entries(interfaces).flatMap(([name, entries]) =>
    (entries ?? []).map(({ address, family, internal }) => ({ interface: name, address, family, internal })),
  );
}
