/** How many boots a pool would last if stale leases stayed. Evidence or nothing. Pure. */
import type { BootTally } from "../memory/record.ts";
import type { Forecast, PoolReport } from "./report.ts";

/** One boot is an accident, two are a pace. */
const LEAST_BOOTS = 2;

/**
 * @param boots as remembered before this pass, this boot among them
 * @param movedNow and `staleNow`: of this pass, which are not in `boots` yet
 */
export function forecast(
  boots: readonly BootTally[],
  network: string,
  pools: readonly PoolReport[],
  movedNow: number,
  staleNow: number,
): Forecast | undefined {
  const free = Math.min(...pools.map((pool) => pool.free ?? Infinity));
  if (boots.length < LEAST_BOOTS || !Number.isFinite(free)) return undefined;
  const stale = boots.reduce((sum, boot) => sum + (boot.stale[network] ?? 0), movedNow + staleNow);
  if (stale === 0) return undefined;
  const stalePerBoot = stale / boots.length;
  return { boots: boots.length, stalePerBoot, bootsLeft: Math.floor(free / stalePerBoot) };
}
