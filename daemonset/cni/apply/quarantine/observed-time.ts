/**
 * How long the agent has watched this node, over all its boots: uptime added up, so never more than the time that truly
 * passed, whatever the clock says. Files are kept by it: too long after weeks without power, never too short.
 */
import { join } from "node:path";
import { codeOf } from "../../../host/reason.ts";
import type { FileSystem } from "../file-system.ts";
import { readAtMost, replaceText, type Ownership } from "../whole-file.ts";
import { isCount, recordOf } from "./origin.ts";

export interface NodeClock {
  /** Since the node's boot; goes on while it is suspended or not. */
  readonly uptimeSeconds: () => number;
  /** Undefined while it is not known: no time passes then. */
  readonly bootID: () => string | undefined;
}

interface Observed {
  readonly bootID: string;
  readonly uptimeSeconds: number;
  readonly totalSeconds: number;
}

const MAX_BYTES = 4_096;
/** A flash card must not wear from it; what a crash loses makes files be kept longer. */
const WRITE_EVERY_SECONDS = 3_600;

export class ObservedTime {
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #clock: NodeClock;
  readonly #self: Ownership;
  #last: Observed | undefined;
  #written: Observed | undefined;

  /** @param directory where its file is. */
  constructor(files: FileSystem, directory: string, clock: NodeClock, self: Ownership) {
    this.#files = files;
    this.#path = join(directory, "observed.json");
    this.#clock = clock;
    this.#self = self;
  }

  /**
   * Seconds so far. Written now and then, if the directory is there; a file that can't be written is tried again.
   * @param least of what records of earlier times say: the file may be lost.
   */
  seconds(least: number): number {
    this.#last ??= this.#read();
    this.#written ??= this.#last;
    const bootID = this.#clock.bootID();
    const before = Math.max(this.#last?.totalSeconds ?? 0, least);
    if (bootID === undefined) return before;
    const uptimeSeconds = Math.floor(this.#clock.uptimeSeconds());
    // In the boot of the first look nothing is known of the time before it.
    const since =
      this.#last?.bootID === bootID ? this.#last.uptimeSeconds : this.#last === undefined ? uptimeSeconds : 0;
    const totalSeconds = before + Math.max(0, uptimeSeconds - since);
    this.#last = { bootID, uptimeSeconds: Math.max(since, uptimeSeconds), totalSeconds };
    this.#writeNowAndThen(this.#last);
    return totalSeconds;
  }

  #read(): Observed | undefined {
    try {
      const record = recordOf(readAtMost(this.#files, this.#path, MAX_BYTES).content.toString());
      const bootID = record?.get("bootID");
      const uptimeSeconds = record?.get("uptimeSeconds");
      const totalSeconds = record?.get("totalSeconds");
      if (typeof bootID !== "string" || !isCount(uptimeSeconds) || !isCount(totalSeconds)) return undefined;
      return { bootID, uptimeSeconds, totalSeconds };
    } catch {
      // Absent or not to be read: time starts anew, so that files are kept longer.
      return undefined;
    }
  }

  #writeNowAndThen(now: Observed): void {
    const isNew = this.#written?.bootID !== now.bootID;
    if (!isNew && now.totalSeconds - (this.#written?.totalSeconds ?? 0) < WRITE_EVERY_SECONDS) return;
    try {
      replaceText(this.#files, this.#path, `${JSON.stringify(now)}\n`, this.#self);
      this.#written = now;
    } catch (error) {
      // Without a quarantine there is nothing to keep by it; a full disk is tried again with the next look.
      if (codeOf(error) === undefined) throw error;
    }
  }
}
