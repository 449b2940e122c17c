/**
 * Creates that hang: the runtime has given the name away, but the container is in no list, and removing it by its ID
 * answers OK and does nothing (facts/containers.md 1.2 A, 1.3). So nothing is tried; it is only said.
 */
import type { Sign } from "./finding.ts";
import type { Observation } from "./observation.ts";

/** A create takes milliseconds; a slow disk some seconds. Kubelet gives up after two minutes. */
const HANGS_AFTER_MILLIS = 30_000;
const MOST_WATCHED = 100;
const MOST_NAMED = 3;

/**
 * Those of the IDs that the runtime does not list. The IDs must have been read before the lists: what is made in
 * between is then listed, or was not among them.
 */
export function unlisted(ids: readonly string[], observation: Observation): readonly string[] {
  if (ids.length === 0) return [];
  const listed = new Set(observation.containers.map(({ id }) => id));
  return ids.filter((id) => !listed.has(id) && !observation.sandboxes.has(id)).slice(0, MOST_WATCHED);
}

/** When each unlisted ID was first seen, by the monotonic clock. */
export type Watched = ReadonlyMap<string, number>;

export function nextWatched(before: Watched, unlistedIDs: readonly string[], nowMillis: number): Watched {
  return new Map(unlistedIDs.map((id) => [id, before.get(id) ?? nowMillis]));
}

export function inFlightSign(subject: string, watched: Watched, nowMillis: number): Sign {
  const kind = "create-in-flight";
  const hanging = [...watched].filter(([, since]) => nowMillis - since >= HANGS_AFTER_MILLIS);
  const longest = Math.max(0, ...hanging.map(([, since]) => nowMillis - since));
  if (hanging.length === 0) return { kind, subject, finding: undefined };
  const named = hanging.slice(0, MOST_NAMED).map(([id]) => id.slice(0, 12));
  const more = hanging.length > MOST_NAMED ? ` and ${hanging.length - MOST_NAMED} more` : "";
  return {
    kind,
    subject,
    finding: {
      kind,
      subject,
      seen:
        `${hanging.length === 1 ? "a create has" : `${hanging.length} creates have`} been under way for ` +
        `${Math.round(longest / 1_000)} s (${named.join(", ")}${more}): the name is reserved, but the container is in no list`,
      remedy:
        "look for a mount source that hangs (NFS, CIFS, a frozen or failing disk) among the volumes of pods in " +
        "CreateContainerError and unblock it; removing the ID does nothing; if the storage is well, restart the runtime",
    },
  };
}
