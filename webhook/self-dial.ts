/** Readiness proven from outside: a real TLS handshake with the webhook's own serving port. */
import { connect } from "node:tls";
import type { Check, CheckResult } from "../program/check.ts";

export interface SelfDialOptions {
  readonly host: string;
  readonly port: number;
  /** Name the API server asks for, `<service>.<namespace>.svc`. */
  readonly serverName: string;
  /**
   * PEM of the CAs in the webhook configurations' caBundle, asked anew each time; the served certificate must come
   * from one of them. Undefined: any certificate will do.
   */
  readonly ca: () => string | undefined;
}

/** The check named `serving`. Passes if a client that trusts only `ca` gets through the handshake. */
export function createSelfDial(options: SelfDialOptions): Check {
  return { name: "serving", check: (signal) => dial(options, signal) };
}

function dial({ host, port, serverName, ca }: SelfDialOptions, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const trusted = ca();
    const socket = connect({
      host,
      port,
      servername: serverName,
      ALPNProtocols: ["http/1.1"],
      // With no CA known the handshake alone is the proof: this connection carries nothing.
      ...(trusted === undefined ? { rejectUnauthorized: false } : { ca: trusted }),
    });
    const end = (result: CheckResult): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => end({ ok: false, detail: `TLS dial to ${host}:${port}: no answer in time` });
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (cause: Error) =>
      end({ ok: false, detail: `TLS dial to ${host}:${port}: ${cause.message}` }),
    );
    socket.once("secureConnect", () => end({ ok: true }));
  });
}
