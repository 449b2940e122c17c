/** A small API server behind real TLS: answers come from the test, connections and requests are recorded. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueAuthority, type Authority } from "../../certs/authority.ts";
import { issueLeaf } from "../../certs/leaf.ts";
import { connectInCluster, type KubeConnection } from "../connect.ts";
import type { InClusterWorld } from "../service-account.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Common name in the client certificate that was shown, whoever issued it. */
  readonly clientName: string | undefined;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

export type ApiAnswer =
  | {
      readonly status: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection is cut instead. */
  | "cut"
  /** Nothing comes back, ever. */
  | "silence";

export type Answerer = (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;

export class ApiServer {
  readonly requests: ApiRequest[] = [];
  tlsConnections = 0;
  answer: Answerer;
  readonly authority: Authority;
  /** Where a pod would find token, ca.crt and namespace. */
  readonly credentials: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(answer: Answerer) {
    this.answer = answer;
    this.authority = issueAuthority(Date.now(), 3_600_000);
    const leaf = issueLeaf(this.authority, ["127.0.0.1"], Date.now(), 3_600_000);
    this.#server = createServer(
      { cert: leaf.certPem, key: leaf.keyPem, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        void this.#handle(request, response);
      },
    );
    this.#server.on("secureConnection", (socket: Socket) => {
      this.tlsConnections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.credentials = mkdtempSync(join(tmpdir(), "nodelatch-kube-"));
    this.writeCredential("ca.crt", this.authority.certPem);
    this.writeCredential("token", "token-1\n");
    this.writeCredential("namespace", "nodelatch-system\n");
  }

  get port(): number {
    return this.#port;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  get env(): Record<string, string> {
    return { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: `${this.#port}` };
  }

  writeCredential(name: string, text: string): void {
    writeFileSync(join(this.credentials, name), text);
  }

  async listen(): Promise<this> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
    return this;
  }

  /** @param way over client-node, if not said otherwise. */
  connect(
    monotonicMillis: () => number = () => performance.now(),
    way: (world: InClusterWorld) => Promise<KubeConnection> = connectInCluster,
  ): Promise<KubeConnection> {
    return way({ env: this.env, directory: this.credentials, monotonicMillis });
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nobody listens any more; the credentials stay. */
  async stop(): Promise<void> {
    this.cutAll();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.credentials, { recursive: true, force: true });
  }

  async #handle(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    raw.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(raw, "end");
    const url = new URL(raw.url ?? "/", "https://api");
    const text = Buffer.concat(chunks).toString("utf8");
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const request = {
      method: raw.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: raw.headers,
      clientName: raw.socket instanceof TLSSocket ? nameOf(raw.socket) : undefined,
      body,
    };
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer === "silence") return;
    if (answer === "cut") {
      raw.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(answer.text ?? JSON.stringify(answer.json));
  }
}

function nameOf(socket: TLSSocket): string | undefined {
  // Empty where none was shown.
  const { subject }: { subject?: { CN?: string | string[] } } = socket.getPeerCertificate();
  const name = subject?.CN;
  return typeof name === "string" ? name : undefined;
}

/** A Status object as API servers answer with. */
export function status(code: number, reason: string, message: string): ApiAnswer {
  return {
    status: code,
    json: { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message },
  };
}
