/** A gRPC server on a unix socket whose methods are bytes in, bytes out. */
import { rmSync } from "node:fs";
import {
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";

/** What a method fails with. */
export class Refusal extends Error {
  readonly code: status;

  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

export type GrpcHandler = (request: Buffer, metadata: ReadonlyMap<string, string>) => Promise<Buffer>;

export interface GrpcServer {
  /** Ends every connection at once. */
  close(): void;
}

/** Yields message after message; what it throws ends the stream after those. */
export type GrpcStreamHandler = (
  request: Buffer,
  metadata: ReadonlyMap<string, string>,
) => AsyncGenerator<Buffer, void>;

/** Methods that neither of the two has are UNIMPLEMENTED. */
export async function serveGrpc(
  socketPath: string,
  handlers: Readonly<Record<string, GrpcHandler>>,
  streams: Readonly<Record<string, GrpcStreamHandler>> = {},
): Promise<GrpcServer> {
  const server = new Server({ "grpc.max_send_message_length": -1 });
  for (const [path, handler] of Object.entries(handlers)) {
    server.register(
      path,
      answerWith(handler),
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      "unary",
    );
  }
  for (const [path, handler] of Object.entries(streams)) {
    server.register(
      path,
      streamWith(handler),
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      "serverStream",
    );
  }
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  return { close: () => server.forceShutdown() };
}

function answerWith(handler: GrpcHandler) {
  return (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
    void answer(handler, call, done);
  };
}

async function answer(
  handler: GrpcHandler,
  call: ServerUnaryCall<Buffer, Buffer>,
  done: sendUnaryData<Buffer>,
): Promise<void> {
  try {
    done(null, await handler(call.request, metadataOf(call.metadata)));
  } catch (error) {
    done(failureOf(error));
  }
}

function streamWith(handler: GrpcStreamHandler) {
  return (call: ServerWritableStream<Buffer, Buffer>): void => {
    void pour(handler, call);
  };
}

async function pour(handler: GrpcStreamHandler, call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  try {
    for await (const message of handler(call.request, metadataOf(call.metadata))) call.write(message);
    call.end();
  } catch (error) {
    call.emit("error", failureOf(error));
  }
}

function metadataOf(metadata: Metadata): ReadonlyMap<string, string> {
  return new Map(Object.entries(metadata.getMap()).map(([key, value]) => [key, value.toString()]));
}

function failureOf(error: unknown): { readonly code: status; readonly details: string } {
  const code = error instanceof Refusal ? error.code : status.INTERNAL;
  return { code, details: error instanceof Error ? error.message : String(error) };
}
