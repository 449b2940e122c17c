import { shorten } from "../../lock/shorten.ts";

const MAX_CHARACTERS = 400;

/** A runtime's own words in one line of readable length: they may be anything of up to 16 MiB. */
export function inOneLine(text: string): string {
  // Cut first: the pattern would walk all of it.
  return shorten(
    text
      .slice(0, 4 * MAX_CHARACTERS)
      .replaceAll(/[\s\p{Cc}]+/gu, " ")
      .trim(),
    MAX_CHARACTERS,
  );
}

/** The message of whatever was thrown. */
export function wordsOf(thrown: unknown): string {
  return inOneLine(thrown instanceof Error ? thrown.message || thrown.name : String(thrown));
}
