import { parseDuration } from "../lock/duration.ts";

/** Kept back for the way to the caller: a tenth of its patience, within these bounds, never more than half. */
const LEAST_MARGIN_MILLIS = 200;
const MOST_MARGIN_MILLIS = 1_000;

/** How long a call with this query may take, in milliseconds. `query` is what follows the "?" of the URL, or "". */
export type RequestDeadline = (query: string) => number;

/**
 * The API server says when it stops listening as `?timeout=3s` (client-go rest.Request.Timeout: a Go duration), and
 * an answer after that is only seen as "context deadline exceeded".
 * @param mostMillis bound for callers that say nothing, nonsense or more.
 */
export function createRequestDeadline(mostMillis: number): RequestDeadline {
  // An API server sends the timeout of the webhook configuration, so nearly always the same one.
  let lastQuery = "";
  let lastMillis = mostMillis;
  return (query) => {
    if (query === lastQuery) return lastMillis;
    lastMillis = deadline(query, mostMillis);
    lastQuery = query;
    return lastMillis;
  };
}

function deadline(query: string, mostMillis: number): number {
  const patience = parseDuration(new URLSearchParams(query).get("timeout") ?? "");
  if (!patience.ok) return mostMillis;
  const margin = Math.min(Math.max(patience.millis / 10, LEAST_MARGIN_MILLIS), MOST_MARGIN_MILLIS);
  return Math.min(mostMillis, Math.max(patience.millis - margin, patience.millis / 2));
}
