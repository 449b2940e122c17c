/** Names and labels by the rules of apimachinery (pkg/util/validation/validation.go). Total over any text. */

const DNS1123 = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const DNS1123_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const MAX_SUBDOMAIN_CHARACTERS = 253;
const MAX_LABEL_CHARACTERS = 63;

/** Names of Nodes, Secrets and most other objects. */
export function isSubdomain(text: string): boolean {
  return text.length <= MAX_SUBDOMAIN_CHARACTERS && DNS1123.test(text);
}

/** Names of Namespaces. */
export function isDnsLabel(text: string): boolean {
  return text.length <= MAX_LABEL_CHARACTERS && DNS1123_LABEL.test(text);
}

export function isLabelKey(text: string): boolean {
  const parts = text.split("/", 3);
  const [first = "", second] = parts;
  if (parts.length > 2) return false;
  return second === undefined ? isLabelName(first) : isSubdomain(first) && isLabelName(second);
}

export function isLabelValue(text: string): boolean {
  return text === "" || isLabelName(text);
}

function isLabelName(text: string): boolean {
  return text.length <= MAX_LABEL_CHARACTERS && QUALIFIED.test(text);
}
