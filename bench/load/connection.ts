/**
 * One kept TLS connection that carries ready-made requests, one after the other.
 * A socket instead of node:https, whose client costs about as much per request as the server that is to be measured.
 */
import { once } from "node:events";
import { connect, type ConnectionOptions } from "node:tls";
import { readAnswer, type Answer } from "./answer.ts";

export interface Connection {
  /** Sends bytes of one whole request. Rejects when the connection ends before its answer. */
  send(request: Uint8Array): Promise<Answer>;
  close(): void;
}

const CONNECT_TIMEOUT_MILLIS = 10_000;
/** A socket on which nothing moves for so long is cut; the longest answer that is waited for. */
const ANSWER_TIMEOUT_MILLIS = 30_000;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: Error) => void;
}

/** @param to the address, and what TLS needs to trust the server. */
export async function openConnection(to: ConnectionOptions): Promise<Connection> {
  const socket = connect({ ...to, ALPNProtocols: ["http/1.1"] });
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MILLIS) });
  socket.setNoDelay(true);
  socket.setTimeout(ANSWER_TIMEOUT_MILLIS, () =>
    socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MILLIS} ms`)),
  );
  let pending: Buffer = Buffer.alloc(0);
  let waiting: Waiting | undefined;
  let failure: Error | undefined;

  function fail(cause: Error): void {
    failure ??= cause;
    waiting?.reject(failure);
    waiting = undefined;
  }
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    try {
      const read = readAnswer(pending);
      if (read === undefined) return;
      pending = read.rest;
      const { resolve } = waiting ?? { resolve: undefined };
      if (resolve === undefined) throw new Error("an answer that nothing asked for");
      waiting = undefined;
      resolve(read.answer);
    } catch (cause) {
      socket.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    }
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));

  return {
    send(request) {
      return new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(new Error("send on a connection that has ended", { cause: failure }));
          return;
        }
        waiting = { resolve, reject };
        socket.write(request);
      });
    },
    close: () => socket.destroy(),
  };
}
