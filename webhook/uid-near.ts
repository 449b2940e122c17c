/** How far into the body the uid is looked for: the API server writes it as the first field of the request. */
const SEARCHED_BYTES = 1024;

/**
 * The uid of a review whose body can't be parsed (too large, late, not JSON), read from its first bytes; "" if it is
 * not there. The API server drops an answer without its uid, and with it the message for the user.
 * Only ever echoed to the sender; nothing is decided from it.
 */
export function uidNear(start: Uint8Array): string {
  const head = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, SEARCHED_BYTES)).toString(
    "latin1",
  );
  return /"request"\s*:\s*\{\s*"uid"\s*:\s*"([0-9A-Za-z-]{1,128})"/.exec(head)?.[1] ?? "";
}
