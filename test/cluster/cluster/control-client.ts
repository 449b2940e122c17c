import { request } from "node:http";
import { once } from "node:events";
import { fields } from "../config/plan.ts";
import type { ControlRequest } from "../inside/control-request.ts";

/** Sends one request to a cluster's control socket. Throws with the cluster's own words when it was not carried out. */
export async function askCluster(
  socketPath: string,
  body: ControlRequest,
  timeoutMillis: number,
): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(timeoutMillis);
  const asked = request({ socketPath, path: "/", method: "POST", agent: false, signal });
  const answered = new Promise<{ readonly status: number; readonly content: string }>((resolve, reject) => {
    asked.once("error", reject);
    asked.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, content: Buffer.concat(chunks).toString("utf8") }),
      );
    });
  });
  asked.end(JSON.stringify(body));
  const { status, content } = await answered.catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
    throw new Error(`the test cluster did not answer within ${timeoutMillis} ms: ${JSON.stringify(body)}`, {
      cause,
    });
  });
  const raw: unknown = JSON.parse(content);
  const answer = fields(raw, "answer");
  if (status === 200) return answer;
  throw new Error(`the test cluster could not ${body.action}: ${String(answer["error"])}`);
}

/** True when something serves the control socket. */
export async function isAlive(socketPath: string): Promise<boolean> {
  const asked = request({ socketPath, path: "/", method: "POST", agent: false });
  asked.end(JSON.stringify({ action: "state" }));
  try {
    await once(asked, "response", { signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  } finally {
    asked.destroy();
  }
}
