/**
 * Splits `--reboot-command` into words as kured does: quotes and backslashes count, operators don't, as no shell runs it.
 * @throws Error for a quote that is never closed.
 */
export function commandWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quote === undefined && char === " ") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (char === "\\" && quote !== "'") {
      at += 1;
      word = (word ?? "") + line.charAt(at);
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== undefined) throw new Error(`${line}: the ${quote} is never closed`);
  return word === undefined ? words : [...words, word];
}
