/** How `status` shows a node: as a row of a table, or as a document. Pure. */
import type { Cell, Row } from "../output/table.ts";
import type { Color } from "../output/terminal.ts";
import { age, untilTime } from "../output/time.ts";
import { bootStateOf, leasesWords, type BootState } from "./boot-report.ts";
import type { LockState, NodeState } from "./node-state.ts";

const NARROW = ["NODE", "LOCK", "HOLDER", "AGE", "EXPIRES", "CORDONED", "BOOT", "LEASES", "LAST REFUSAL"];
const WIDE = [...NARROW, "GHOST", "UNCORDON KEPT", "REASON", "RELEASE", "HOLDER NODE", "READY", "BOOT ID"];

export function header(wide: boolean): readonly string[] {
  return wide ? WIDE : NARROW;
}

const COLORS: Readonly<Record<LockState, Color | undefined>> = {
  none: "dim",
  held: "yellow",
  rebooted: "yellow",
  expired: "red",
  ghost: "red",
  unknown: "red",
};

const NOTHING: Cell = { text: "-", color: "dim" };

export function rowOf(state: NodeState, wide: boolean, nowMillis: number): Row {
  const { view, lock, lockState, bootReport, lastRefusal } = state;
  const record = lock?.kind === "record" ? lock.record : undefined;
  const row: Row = [
    view.name,
    lockState === "none" ? NOTHING : colored(lockState, COLORS[lockState]),
    record?.holder ?? NOTHING,
    record === undefined ? NOTHING : age(record.acquiredAt, nowMillis),
    record === undefined ? NOTHING : expires(record.expiresAt, nowMillis),
    cordon(state),
    boot(state),
    bootReport === undefined ? NOTHING : leasesWords(bootReport),
    lastRefusal === undefined ? NOTHING : `${age(lastRefusal.lastAt, nowMillis)} ago`,
  ];
  if (!wide) return row;
  return [
    ...row,
    state.ghost.length === 0 ? NOTHING : colored(state.ghost.map(({ rule }) => rule).join(","), "red"),
    state.keptUncordon?.by ?? NOTHING,
    record === undefined ? (lock?.kind === "unknown-holder" ? lock.text : NOTHING) : record.reason || NOTHING,
    record?.release ?? NOTHING,
    record?.holderNode ?? NOTHING,
    state.ready ? "yes" : colored("no", "red"),
    view.bootID || NOTHING,
  ];
}

function expires(expiresAt: string | undefined, nowMillis: number): Cell {
  return { text: expiresAt === undefined ? "never" : untilTime(expiresAt, nowMillis) };
}

function cordon({ view, lockState }: NodeState): Cell {
  if (view.unschedulable) return { text: "yes" };
  // Locked and not cordoned: nothing keeps pods away.
  return lockState === "none" ? { text: "no", color: "dim" } : colored("no", "red");
}

const BOOT_COLORS: Readonly<Record<BootState, Color>> = {
  clean: "green",
  unclean: "red",
  unknown: "yellow",
  old: "yellow",
};

function boot({ bootReport, view }: NodeState): Cell {
  if (bootReport === undefined) return NOTHING;
  const state = bootStateOf(bootReport, view.bootID);
  return colored(state, BOOT_COLORS[state]);
}

function colored(text: string, color: Color | undefined): Cell {
  return color === undefined ? { text } : { text, color };
}

/** Why the table calls locks ghosts, a line for each; for below it. */
export function ghostNotes(states: readonly NodeState[]): readonly string[] {
  return states
    .filter(({ lockState }) => lockState === "ghost")
    .map(({ view, ghost }) => `${view.name}: ${ghost.map(({ text }) => text).join("; ")}`);
}

/** null where there is nothing, so that every field is always there. */
export function documentOf({
  view,
  lock,
  lockState,
  ghost,
  ready,
  bootReport,
  lastRefusal,
  keptUncordon,
  kubeletVersion,
}: NodeState) {
  return {
    name: view.name,
    ready,
    cordoned: view.unschedulable,
    bootID: view.bootID,
    kubeletVersion,
    lock:
      lock === undefined
        ? null
        : lock.kind === "record"
          ? { state: lockState, ghost, ...lock.record }
          : { state: lockState, ghost, value: lock.text, why: lock.why },
    boot: bootReport === undefined ? null : { state: bootStateOf(bootReport, view.bootID), ...bootReport },
    lastRefusal:
      lastRefusal === undefined
        ? null
        : { at: lastRefusal.lastAt, count: lastRefusal.count, message: lastRefusal.message },
    keptUncordon: keptUncordon === undefined ? null : { at: keptUncordon.at, by: keptUncordon.by },
  };
}
