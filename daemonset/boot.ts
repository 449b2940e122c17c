/** Which boot this is, and whether its passes are done: noted in the run directory and, for one that is lost, in the journal. */
import { join } from "node:path";
import type { Logger } from "pino";
import type { BootIDRead } from "./host/boot/boot-id.ts";
import { readBootMarker, writeBootMarker } from "./host/boot/boot-marker.ts";
import { judgeBoot, type BootSighting } from "./host/boot/sighting.ts";
import type { HostRecord } from "./host/journal/host-record.ts";
import type { Journal } from "./host/journal/journal.ts";

export interface Boot {
  readonly sighting: BootSighting;
  /** Whatever is not surely the boot that is done with gets its passes: once too often does no harm. */
  readonly isNew: boolean;
  /** After the last pass of a boot, and not before: an agent that crashes between begins again. Never rejects. */
  done(): Promise<void>;
  isDone(): boolean;
  words(): string;
}

export async function lookAtBoot(
  runDir: string,
  current: BootIDRead,
  journal: Journal<HostRecord>,
  log: Logger,
): Promise<Boot> {
  const path = join(runDir, "boot");
  const sighting = judgeBoot(current, await readBootMarker(path), journal.current().bootID);
  const isNew = sighting.kind !== "same-boot";
  log.info({ ...sighting }, "boot");
  let isDone = !isNew;
  // One that was killed between the two notes left only the marker, which the next reboot takes.
  if (isDone) journal.update((record) => ({ ...record, bootID: sighting.bootID }));
  return {
    sighting,
    isNew,
    async done() {
      isDone = true;
      const { bootID } = sighting;
      if (bootID === undefined) return;
      try {
        await writeBootMarker(path, bootID);
      } catch (err) {
        log.warn({ err }, "boot not marked as done; the journal has it");
      }
      journal.update((record) => ({ ...record, bootID }));
    },
    isDone: () => isDone,
    words: () => `${sightingWords(sighting)}; its passes are ${isDone ? "done" : "under way"}`,
  };
}

function sightingWords(sighting: BootSighting): string {
  switch (sighting.kind) {
    case "first-sight":
      return `${sighting.bootID}, the first boot that is seen on this node`;
    case "same-boot":
      return `${sighting.bootID}, as before the agent's start`;
    case "new-boot":
      return `${sighting.bootID}, new: it was ${sighting.previousBootID}`;
    case "unknown":
      return `taken for a new boot: ${sighting.reason}`;
  }
}
