/**
 * gRPC over one unix socket: bytes in, bytes out, one request and one answer or a stream of them. CRI's services and containerd's own
 * (`/containerd.services.containers.v1.Containers/List` with `containerd-namespace` metadata) go over the same one.
 */
import { Client, credentials, Metadata, status, type ChannelOptions, type ServiceError } from "@grpc/grpc-js";
import { GrpcFailure } from "./grpc-failure.ts";

/** The limit of containerd and kubelet (facts/containers.md 2); grpc-js gives up at the length, before it reads on. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface GrpcCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly request: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMillis: number;
  readonly signal: AbortSignal;
}

export interface GrpcConnection {
  /** The message of the one answer. @throws GrpcFailure */
  call(call: GrpcCall): Promise<Buffer>;
  /**
   * A server's stream: `onMessage` gets each message as it comes, so that none of them need be kept. What it throws ends
   * the call and is thrown.
   * @throws GrpcFailure
   */
  stream(call: GrpcCall, onMessage: (message: Buffer) => void): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

const options: ChannelOptions = {
  // Without it the authority is the socket's path, percent-encoded, which Go's HTTP/2 refuses.
  "grpc.default_authority": "localhost",
  "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
  "grpc.max_send_message_length": 1024 * 1024,
  // A restarted runtime answers again within seconds; the default of 120 s would outlast the boot passes.
  "grpc.initial_reconnect_backoff_ms": 250,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // Between passes nothing is held: no session, no buffers.
  "grpc.client_idle_timeout_ms": 30_000,
  // What nobody here uses but costs memory.
  "grpc.enable_channelz": 0,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.use_local_subchannel_pool": 1,
};

const untouched = (bytes: Buffer): Buffer => bytes;

/** `socketPath` as this process sees it. Connects with the first call, and again by itself. */
export function connectGrpc(socketPath: string): GrpcConnection {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), options);
  return {
    call: async (call) => unary(client, call),
    stream: async (call, onMessage) => serverStream(client, call, onMessage),
    close: () => client.close(),
  };
}

async function unary(client: Client, call: GrpcCall): Promise<Buffer> {
  if (call.signal.aborted) throw new GrpcFailure(status.CANCELLED, "not sent", true);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let isAbandoned = false;
  const running = client.makeUnaryRequest(
    call.method,
    untouched,
    untouched,
    bufferOf(call),
    metadataOf(call),
    deadlineOf(call),
    (error: ServiceError | null, answer?: Buffer) => {
      if (error !== null) reject(new GrpcFailure(error.code, error.details, isAbandoned, { cause: error }));
      else if (answer === undefined)
        reject(new GrpcFailure(status.UNIMPLEMENTED, "No message received", false));
      else resolve(answer);
    },
  );
  const onAbort = (): void => {
    isAbandoned = true;
    running.cancel();
  };
  call.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await promise;
  } finally {
    call.signal.removeEventListener("abort", onAbort);
  }
}

async function serverStream(
  client: Client,
  call: GrpcCall,
  onMessage: (message: Buffer) => void,
): Promise<void> {
  if (call.signal.aborted) throw new GrpcFailure(status.CANCELLED, "not sent", true);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isAbandoned = false;
  const running = client.makeServerStreamRequest<Buffer, Buffer>(
    call.method,
    untouched,
    untouched,
    bufferOf(call),
    metadataOf(call),
    deadlineOf(call),
  );
  const onAbort = (): void => {
    isAbandoned = true;
    running.cancel();
  };
  running.on("data", (message: Buffer) => {
    try {
      onMessage(message);
    } catch (thrown) {
      reject(thrown);
      running.cancel();
    }
  });
  // grpc-js gives the error of a bad status, or of none, before it ends the data: an end after no error is a whole list.
  running.on("end", resolve);
  running.on("error", (error: ServiceError) => {
    reject(new GrpcFailure(error.code, error.details, isAbandoned, { cause: error }));
  });
  call.signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    call.signal.removeEventListener("abort", onAbort);
  }
}

function bufferOf({ request }: GrpcCall): Buffer {
  return Buffer.from(request.buffer, request.byteOffset, request.byteLength);
}

function metadataOf(call: GrpcCall): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(call.metadata ?? {})) metadata.set(key, value);
  return metadata;
}

/** A wall clock's time, but grpc-js turns it into a timer at once: a step of the clock later changes nothing. */
function deadlineOf({ deadlineMillis }: GrpcCall): { readonly deadline: number } {
  return { deadline: Date.now() + deadlineMillis };
}
