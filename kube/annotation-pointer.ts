/** JSON pointer to an annotation, for a JSON patch (RFC 6901). */
export function annotationPointer(key: string): string {
  return `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
