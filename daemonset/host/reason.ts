/** What a person should read of a thrown thing: its message, and those of its causes where they add something. */
export function reasonOf(thrown: unknown): string {
  const parts: string[] = [];
  let each = thrown;
  // Few are of use, and causes may go in a circle.
  for (let depth = 0; depth < 5 && (depth === 0 || each !== undefined); depth += 1, each = causeOf(each)) {
    const text = textOf(each);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(": ") || "unknown error";
}

/** The `code` of a system error, e.g. `ENOENT`. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}

function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || (codeOf(thrown) ?? thrown.name);
  return typeof thrown === "string" ? thrown : "unknown error";
}
