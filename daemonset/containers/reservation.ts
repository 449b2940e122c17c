/** The runtime's complaint that a name is taken, as it stands in kubelet's log and in the pod's Events. */

export interface Reservation {
  /** `<container>_<pod>_<namespace>_<pod uid>_<attempt>`; a sandbox's has no container. */
  readonly name: string;
  readonly holderID: string;
}

/**
 * containerd's text has changed over time, this part has not (facts/containers.md 1.1). Quotes come escaped out of
 * JSON logs. Only a whole ID counts.
 */
const RESERVED = /name \\?"([^"\\]{1,1024})\\?" is reserved for \\?"([0-9a-f]{64})\\?"/;

export function parseReservation(text: string): Reservation | undefined {
  const [, name, holderID] = RESERVED.exec(text) ?? [];
  return name === undefined || holderID === undefined ? undefined : { name, holderID };
}
