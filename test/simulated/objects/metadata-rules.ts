/** What the API server demands of every object's metadata. */
import { listAt, objectAt, own, textAt, textEntries, textsAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { invalidValue, requiredValue } from "./status.ts";
import type { FieldError } from "./status.ts";

/** All annotations of an object together, keys and values, in bytes. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const NAME_PART_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

export function checkMetadata(object: JsonObject): FieldError[] {
  const metadata = objectAt(object, "metadata");
  const name = textAt(metadata, "name");
  const errors: FieldError[] = [];
  if (name === "") errors.push(requiredValue("metadata.name", "name or generateName is required"));
  else if (name.length > 253 || !isSubdomain(name)) {
    errors.push(invalidValue("metadata.name", name, SUBDOMAIN_RULE));
  }
  for (const [key, value] of textEntries(objectAt(metadata, "labels"))) {
    errors.push(...checkQualifiedName("metadata.labels", key));
    if (value.length > 63 || (value !== "" && !NAME_PART.test(value))) {
      errors.push(invalidValue("metadata.labels", value, LABEL_RULE));
    }
  }
  const annotations = textEntries(objectAt(metadata, "annotations"));
  // The real server accepts any case in annotation keys: it lowers them first.
  for (const [key] of annotations) {
    errors.push(...checkQualifiedName("metadata.annotations", key.toLowerCase(), key));
  }
  const bytes = annotations.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > MAX_ANNOTATIONS_BYTES) {
    const body = `Too long: may not be more than ${MAX_ANNOTATIONS_BYTES} bytes`;
    errors.push({ type: "FieldValueTooLong", field: "metadata.annotations", body });
  }
  for (const finalizer of textsAt(metadata, "finalizers")) {
    errors.push(...checkQualifiedName("metadata.finalizers", finalizer));
  }
  return errors;
}

/** What an update may not change. */
export function checkMetadataUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [now, before] = [objectAt(object, "metadata"), objectAt(old, "metadata")];
  const errors: FieldError[] = [];
  for (const key of ["name", "namespace", "uid", "deletionTimestamp"]) {
    if (textAt(now, key) !== textAt(before, key)) {
      errors.push(invalidValue(`metadata.${key}`, textAt(now, key), "field is immutable"));
    }
  }
  const added = textsAt(now, "finalizers").filter((name) => !listAt(before, "finalizers").includes(name));
  if (own(before, "deletionTimestamp") !== undefined && added.length > 0) {
    const list = added.map((name) => JSON.stringify(name)).join(", ");
    const why = "no new finalizers can be added if the object is being deleted, found new finalizers";
    const body = `Forbidden: ${why} []string{${list}}`;
    errors.push({ type: "FieldValueForbidden", field: "metadata.finalizers", body });
  }
  return errors;
}

function checkQualifiedName(field: string, name: string, shown = name): FieldError[] {
  const slash = name.indexOf("/");
  const [prefix, rest] = slash < 0 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)];
  if (prefix !== undefined && (prefix.length > 253 || !isSubdomain(prefix))) {
    return [invalidValue(field, shown, `prefix part ${SUBDOMAIN_RULE}`)];
  }
  return rest.length > 63 || !NAME_PART.test(rest) ? [invalidValue(field, shown, NAME_PART_RULE)] : [];
}

export function isSubdomain(name: string): boolean {
  return SUBDOMAIN.test(name);
}
