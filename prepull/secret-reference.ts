/** The rule about `imageSecrets`: one Secret, written namespace/name. */
import { invalid, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { isDnsLabel, isSubdomain } from "./kube-names.ts";
import { isAbsent, wrongType, type Fields } from "./shape.ts";

export const SECRET_PATH = `${TEMPLATE_PATH}.imageSecrets`;

export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

export function checkSecretReference(template: Fields): {
  readonly secret: SecretReference | undefined;
  readonly findings: readonly Finding[];
} {
  const value = template["imageSecrets"];
  if (isAbsent(value) || value === "") return { secret: undefined, findings: [] };
  if (typeof value !== "string") {
    return { secret: undefined, findings: [wrongType(SECRET_PATH, value, "a string: namespace/name")] };
  }
  const [namespace = "", name = "", ...more] = value.split("/", 3);
  if (more.length === 0 && isDnsLabel(namespace) && isSubdomain(name)) {
    return { secret: { namespace, name }, findings: [] };
  }
  const text = "must be namespace/name of one Secret";
  return { secret: undefined, findings: [invalid("secret-malformed", SECRET_PATH, value, text)] };
}
