/**
 * Cuts `text` to at most `maxCharacters` Unicode code points, with "..." as the last three where something was cut.
 * Counts code points because a cut surrogate pair is no valid UTF-8, and the API server drops such a warning.
 */
export function shorten(text: string, maxCharacters: number): string {
  // A string never has more code points than UTF-16 units: the common case costs one comparison.
  if (text.length <= maxCharacters) return text;
  // A code point is at most two units, so no more than this of a huge text needs to be walked.
  const points = Array.from(text.slice(0, 2 * maxCharacters + 2));
  if (points.length <= maxCharacters) return text;
  return `${points.slice(0, maxCharacters - 3).join("")}...`;
}
