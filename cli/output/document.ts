/** -o json and -o yaml: the same document in both, keys in the order they were put in. */
import { stringify } from "yaml";

export const FORMATS = ["json", "yaml"] as const;

/** Fields may be added to a version; none is renamed, removed or given another meaning. */
export const API_VERSION = "cli.nodelatch.io/v1";

export function printDocument(
  format: string,
  kind: string,
  content: Readonly<Record<string, unknown>>,
  out: (text: string) => void,
): void {
  const document = { apiVersion: API_VERSION, kind, ...content };
  // Lines are never folded: a script may look for one. Times and `no` are in quotes: readers of YAML 1.1 make dates and
  // booleans of them.
  if (format === "yaml") out(stringify(document, { lineWidth: 0, compat: "yaml-1.1" }).trimEnd());
  else out(JSON.stringify(document, undefined, 2));
}
