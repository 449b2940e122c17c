/** What the measured servers written in TypeScript share: their pair, their port, their end. */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ServingPair } from "../../webhook/serving-pair.ts";

export interface ServerArguments {
  readonly host: string;
  readonly pair: ServingPair;
}

/** Reads `HOST FOLDER` from the command line; the folder holds tls.crt and tls.key. */
export function serverArguments(): ServerArguments {
  const [host, folder] = process.argv.slice(2);
  if (host === undefined || folder === undefined) throw new Error("usage: HOST FOLDER");
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  return { host, pair: { certificate: read("tls.crt"), key: read("tls.key") } };
}

/** Tells the starter (process/measured-server.ts) the port, and ends with it. */
export function announce(port: number): void {
  process.stdin.resume().on("end", () => process.exit(0));
  writeSync(3, `${JSON.stringify({ port })}\n`);
}
