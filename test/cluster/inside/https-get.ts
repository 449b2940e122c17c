import { request } from "node:https";

export interface HttpsGetOptions {
  readonly ca: string;
  readonly timeoutMillis: number;
}

/** Status code of a GET; throws when there is no answer in time. The body is thrown away. */
export async function httpsStatus(url: string, options: HttpsGetOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { ca: options.ca, agent: false, signal: AbortSignal.timeout(options.timeoutMillis) },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asked.once("error", reject);
    asked.end();
  });
}
