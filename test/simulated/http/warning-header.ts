/** Warnings of webhooks and decoding, as HTTP headers (KEP-1693). */

const MAX_TOTAL = 4_096;
const MAX_EACH_IF_MANY = 256;

/** Values for repeated `Warning` headers; each text once, shortened only if together they would be too long. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)].map((text) => text.replaceAll(/\p{Cc}/gu, " "));
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const fitting = total <= MAX_TOTAL ? texts : texts.map((text) => text.slice(0, MAX_EACH_IF_MANY));
  return fitting.map((text) => {
    const quoted = text.replaceAll(/["\\]/g, String.raw`\$&`);
    // Go writes the UTF-8 bytes as they are; Node takes header text as latin1.
    return `299 - "${Buffer.from(quoted).toString("latin1")}"`;
  });
}
