/** What host-local wrote into the file that reserves an address, byte by byte (facts/cni-state.md 2). Pure. */

export type LeaseContent =
  /** The full id of a sandbox, with the interface's name unless the plugin was older than 0.8. */
  | { readonly kind: "owned"; readonly id: string; readonly ifname: string | undefined }
  /** Nothing or zeros: what a power cut leaves of a file that nobody synced. host-local never frees it. */
  | { readonly kind: "blank" }
  /** Begins as an id and ends too early, likewise. It names nobody: an id is never matched by its beginning. */
  | { readonly kind: "cut" }
  /** Somebody else's: a note, a host name, `default-<id>` of nerdctl, a UUID. */
  | { readonly kind: "foreign" };

/** More than any lease has (64 + 2 + 15 bytes), so that a longer file shows itself. */
export const LONGEST_LEASE_BYTES = 512;

const BLANK = /^\0*$/;
const ID = /^[0-9a-f]{64}$/;

/** Plugins write CR LF between the two and nothing after them; hands and editors leave other line ends. */
const OWNED = /^([0-9a-f]{64})(?:\r?\n([^\s/\0]{1,15})?)?[\r\n\t ]*$/;

/** Shorter ones could be a word: `cafe`, `beef`. */
const CUT = /^(?:[0-9a-f]{16,63}|[0-9a-f]{16,64}(?:\r\n?)?[^\s\0]{0,15}\0+)$/;

export function isSandboxID(text: string): boolean {
  return ID.test(text);
}

/** @param text its bytes, one character each (latin1) */
export function parseLease(text: string): LeaseContent {
  if (text.length > LONGEST_LEASE_BYTES) return { kind: "foreign" };
  if (BLANK.test(text)) return { kind: "blank" };
  const owned = OWNED.exec(text);
  const id = owned?.[1];
  if (id !== undefined) return { kind: "owned", id, ifname: owned?.[2] };
  return { kind: CUT.test(text) ? "cut" : "foreign" };
}
