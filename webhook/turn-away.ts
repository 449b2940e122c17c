import type { ServerResponse } from "node:http";

/**
 * Sends the caller elsewhere: 503 with `Retry-After`. The API server repeats such a call up to ten times within its
 * timeout (client-go rest/with_retry.go), through the Service and so perhaps to another replica, where a plain error
 * would refuse the user's request at once.
 */
export function turnAway(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(503, {
    "Retry-After": "1",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": "5",
  });
  response.end("busy\n");
}
