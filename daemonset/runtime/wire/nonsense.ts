/** What a runtime answered can't be what it should be. The message names the message and the field. */
export class NonsenseError extends Error {
  override readonly name = "NonsenseError";
}
