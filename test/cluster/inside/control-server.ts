import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { type ControlRequest, parseControlRequest } from "./control-request.ts";

/** Serves control requests on a unix socket: POST a JSON request, get JSON; 500 with `error` when it did not work. */
export async function serveControl(
  socketPath: string,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, response, handle).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  // A machine's boot or a program run in it may take minutes.
  server.requestTimeout = 0;
  server.listen(socketPath);
  await once(server, "listening");
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<void> {
  let status = 200;
  let body: unknown;
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    body = await handle(parseControlRequest(Buffer.concat(chunks).toString("utf8")));
  } catch (error) {
    status = 500;
    body = { error: error instanceof Error ? error.message : String(error) };
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
