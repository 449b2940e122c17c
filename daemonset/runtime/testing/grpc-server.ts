/** A gRPC server on a unix socket whose methods are bytes in, bytes out. */
import { rmSync } from "node:fs";
import { Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";

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

/** Methods that `handlers` does not have are UNIMPLEMENTED. */
export async function serveGrpc(
  socketPath: string,
  handlers: Readonly<Record<string, GrpcHandler>>,
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
  const metadata = Object.entries(call.metadata.getMap()).map(
    ([key, value]) => [key, value.toString()] as const,
  );
  try {
    done(null, await handler(call.request, new Map(metadata)));
  } catch (error) {
    const code = error instanceof Refusal ? error.code : status.INTERNAL;
    done({ code, details: error instanceof Error ? error.message : String(error) });
  }
}
