/**
 * The one thing read in protobuf: access reviews. Since 1.32 kubectl's typed clients send them so and do not fall
 * back, and `kubectl auth can-i` should work. Field numbers: k8s.io/api/authorization/v1/generated.proto.
 */
import type { Json, JsonObject } from "../objects/json.ts";
import { badRequest } from "../objects/status.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** A length-delimited field; everything these messages have is of that kind. */
interface Field {
  readonly number: number;
  readonly bytes: Buffer;
}

const RESOURCE_ATTRIBUTES = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
const NON_RESOURCE_ATTRIBUTES = ["path", "verb"];

/** @throws StatusError 400 for anything but a review. */
export function reviewFromProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw badRequest("body: expected Kubernetes protobuf");
  const envelope = fieldsOf(body.subarray(MAGIC.length));
  const typeMeta = texts(fieldsOf(bytesOf(envelope, 1)), ["apiVersion", "kind"]);
  const review = fieldsOf(bytesOf(envelope, 2));
  return { ...typeMeta, spec: specOf(fieldsOf(bytesOf(review, 2))) };
}

function specOf(spec: readonly Field[]): JsonObject {
  const has = (number: number): boolean => spec.some((field) => field.number === number);
  const resource = texts(fieldsOf(bytesOf(spec, 1)), RESOURCE_ATTRIBUTES);
  const path = texts(fieldsOf(bytesOf(spec, 2)), NON_RESOURCE_ATTRIBUTES);
  return {
    ...(has(1) ? { resourceAttributes: resource } : {}),
    ...(has(2) ? { nonResourceAttributes: path } : {}),
    ...(has(3) ? { user: bytesOf(spec, 3).toString() } : {}),
    groups: spec.filter((field) => field.number === 4).map((field) => field.bytes.toString()),
    extra: Object.fromEntries(spec.filter((field) => field.number === 5).map(extraOf)),
    ...(has(6) ? { uid: bytesOf(spec, 6).toString() } : {}),
  };
}

/** A map entry: 1 = key, 2 = a message whose items are field 1. */
function extraOf({ bytes }: Field): [string, Json] {
  const entry = fieldsOf(bytes);
  const items = fieldsOf(bytesOf(entry, 2)).map((item) => item.bytes.toString());
  return [bytesOf(entry, 1).toString(), items];
}

function texts(fields: readonly Field[], names: readonly string[]): JsonObject {
  const found = fields.flatMap(({ number, bytes }): [string, string][] => {
    const name = names[number - 1];
    return name === undefined ? [] : [[name, bytes.toString()]];
  });
  return Object.fromEntries(found);
}

function bytesOf(fields: readonly Field[], number: number): Buffer {
  return fields.find((field) => field.number === number)?.bytes ?? Buffer.alloc(0);
}

/** Numbers are skipped: none of these messages' questions is one. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = message[at];
      if (byte === undefined) break;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw badRequest("body: broken protobuf");
  };
  while (at < message.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 2) {
      const end = varint() + at;
      if (end > message.length) throw badRequest("body: broken protobuf");
      fields.push({ number: tag >>> 3, bytes: message.subarray(at, end) });
      at = end;
    } else throw badRequest("body: broken protobuf");
  }
  return fields;
}
