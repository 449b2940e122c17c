/** Request bodies: JSON up to the API server's limit. */
import type { IncomingMessage } from "node:http";
import { parseJson } from "../objects/json.ts";
import type { Json } from "../objects/json.ts";
import { badRequest, tooLarge } from "../objects/status.ts";
import { PROTOBUF, reviewFromProtobuf } from "./protobuf-review.ts";

/** MaxRequestBodyBytes of kube-apiserver. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** undefined for an empty body; the content type was checked before. @throws StatusError 400, 413 */
export async function readBody(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw badRequest("body: expected bytes");
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge(MAX_BODY_BYTES);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (contentTypeOf(request) === PROTOBUF) return reviewFromProtobuf(body);
  const text = body.toString();
  if (text.trim() === "") return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${String(error)}`, error);
  }
}

/** The media type of a body, without parameters; JSON if none is given, as the real server assumes. */
export function contentTypeOf(request: IncomingMessage): string {
  const type = (request.headers["content-type"] ?? "").split(";", 1).join("").trim();
  return type === "" ? "application/json" : type;
}
