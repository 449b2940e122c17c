/** The two webhook configurations as they should be, and where one is not so. Pure. */
import type { X509Certificate } from "node:crypto";
import { readBundle } from "../../certs/bundle.ts";
import { certificatesIn } from "../../certs/pem.ts";
import { objectAt, objectsAt, stringsAt, textAt, type JsonObject } from "../../kube/json.ts";
import type { ExpectedWebhook } from "./expected.ts";
import { finding, type Finding } from "./finding.ts";

const DAY_MILLIS = 86_400_000;
/** Certificates are renewed after two thirds of their life (docs/certificates.md): this late, nobody renews. */
const NEAR_END_MILLIS = 5 * DAY_MILLIS;

export interface RegistrationFacts {
  /** undefined: there is no such configuration. */
  readonly configuration: JsonObject | undefined;
  readonly expected: ExpectedWebhook;
  readonly namespace: string;
  /** `ca.crt` of the serving Secret, where it may be read. */
  readonly secretCa: string | undefined;
  readonly nowMillis: number;
}

export function judgeRegistration(facts: RegistrationFacts): readonly Finding[] {
  const { configuration, expected, namespace } = facts;
  const check = expected.name.split(".")[0] ?? expected.name;
  const level = expected.optional ? "info" : "fail";
  if (configuration === undefined) {
    const text = `${expected.kind} nodelatch does not exist: ${expected.without}`;
    return [finding(level, check, text, `install the chart${orSet(expected)}`)];
  }
  const found = objectsAt(configuration, "webhooks").find((entry) => textAt(entry, "name") === expected.name);
  if (found === undefined) {
    const text = `${expected.kind} nodelatch has no entry ${expected.name}: ${expected.without}`;
    return [finding(level, check, text, `upgrade the release${orSet(expected)}`)];
  }
  const drift = driftOf(found, expected, namespace);
  const first =
    drift.length === 0
      ? finding("ok", check, `${expected.name} is registered as the chart says`)
      : finding(
          "fail",
          check,
          `${expected.name} differs from the chart: ${drift.join("; ")}`,
          "helm upgrade sets it right",
        );
  return [first, judgeBundle(found, facts, `${check}-ca`)];
}

function orSet({ value }: ExpectedWebhook): string {
  return value === "tools" ? ", or list them in tools" : `, or set ${value} to enforce`;
}

function driftOf(entry: JsonObject, expected: ExpectedWebhook, namespace: string): readonly string[] {
  const drift: string[] = [];
  const compare = (field: string, is: string | undefined, should: string): void => {
    if (is !== should) drift.push(`${field} is ${is ?? "missing"}, expected ${should}`);
  };
  const service = objectAt(objectAt(entry, "clientConfig"), "service");
  if (!expected.eitherPolicy)
    compare("failurePolicy", textAt(entry, "failurePolicy"), expected.failurePolicy);
  compare("matchPolicy", textAt(entry, "matchPolicy"), "Equivalent");
  compare("clientConfig.service.namespace", textAt(service, "namespace"), namespace);
  compare("clientConfig.service.path", textAt(service, "path"), expected.path);
  const conditions = objectsAt(entry, "matchConditions");
  for (const wanted of expected.matchConditions) {
    const is = conditions.find((one) => textAt(one, "name") === wanted.name);
    if (is === undefined) drift.push(`matchCondition ${wanted.name} is missing`);
    else if (squeezed(textAt(is, "expression")) !== squeezed(wanted.expression)) {
      drift.push(`matchCondition ${wanted.name} has another expression`);
    }
  }
  for (const one of conditions) {
    const name = textAt(one, "name") ?? "";
    // One more condition lets more requests past the guard.
    if (!expected.matchConditions.some((wanted) => wanted.name === name))
      drift.push(`matchCondition ${name} is extra`);
  }
  const watched = objectsAt(entry, "rules").flatMap((rule) => pairs(rule));
  for (const operation of expected.operations) {
    for (const resource of expected.resources) {
      const isWatched = watched.some(
        ([what, how]) => what === resource && (how === operation || how === "*"),
      );
      if (!isWatched) drift.push(`no rule for ${operation} of ${resource}`);
    }
  }
  for (const selector of ["objectSelector", "namespaceSelector"]) {
    const given = objectAt(entry, selector);
    if (given !== undefined && Object.keys(given).length > 0) drift.push(`${selector} is set`);
  }
  return drift;
}

function judgeBundle(entry: JsonObject, { secretCa, nowMillis }: RegistrationFacts, check: string): Finding {
  const encoded = textAt(objectAt(entry, "clientConfig"), "caBundle") ?? "";
  const remedy = "the webhook registers its CA within a minute; if not, its log says why";
  if (encoded === "")
    return finding("fail", check, "caBundle is empty, so the API server trusts no webhook", remedy);
  const { trusted, dirt } = readBundle(Buffer.from(encoded, "base64").toString("utf8"), nowMillis);
  if (trusted.length === 0) {
    return finding(
      "fail",
      check,
      `caBundle holds no valid authority: ${dirt.join(", ") || "nothing in it"}`,
      remedy,
    );
  }
  const last = Math.max(...trusted.map(({ validToDate }) => validToDate.getTime()));
  const until = new Date(last).toISOString().slice(0, 10);
  if (secretCa !== undefined && !trustsOneOf(trusted, secretCa)) {
    return finding("fail", check, "caBundle does not hold the CA of the serving Secret", remedy);
  }
  if (last - nowMillis < NEAR_END_MILLIS) {
    return finding("warn", check, `caBundle ends on ${until} and nobody has renewed it`, remedy);
  }
  const compared = secretCa === undefined ? "" : ", the Secret's CA among them";
  const authorities = trusted.length === 1 ? "1 authority" : `${trusted.length} authorities`;
  return finding("ok", check, `caBundle holds ${authorities}${compared}, valid until ${until}`);
}

function trustsOneOf(trusted: readonly X509Certificate[], pem: string): boolean {
  const [signing] = certificatesIn(pem).certificates;
  return (
    signing !== undefined && trusted.some(({ fingerprint256 }) => fingerprint256 === signing.fingerprint256)
  );
}

function pairs(rule: JsonObject): readonly (readonly [string, string])[] {
  const operations = stringsAt(rule, "operations");
  return stringsAt(rule, "resources").flatMap((resource) =>
    operations.map((operation) => [resource, operation] as const),
  );
}

/** Line ends and indents are YAML's, not CEL's; and which reboot tools there are is for values to say. */
function squeezed(expression: string | undefined): string {
  const oneSpaced = (expression ?? "").replaceAll(/\s+/g, " ").trim();
  return oneSpaced.replaceAll(/(?<=username in )\[[^\]]*\]|\[[^\]]*\](?=\.exists\()/g, "[...]");
}

/** Users of reboot tools that an entry's conditions name; undefined: there is no such entry, or it names none. */
export function registeredUsers(
  configuration: JsonObject | undefined,
  name: string,
): readonly string[] | undefined {
  const entry = objectsAt(configuration, "webhooks").find((one) => textAt(one, "name") === name);
  if (entry === undefined) return undefined;
  const lists = objectsAt(entry, "matchConditions").map((one) => usersIn(textAt(one, "expression")));
  return lists.find((users) => users !== undefined);
}

/** As Helm writes a CEL list; neither users nor annotations have quotes in them (lock/tool-list.ts). */
function usersIn(expression: string | undefined): readonly string[] | undefined {
  const found = /request\.userInfo\.username in (\[[^\]]*\])/.exec(
    (expression ?? "").replaceAll(/\s+/g, " "),
  );
  if (found === null) return undefined;
  return [...(found[1] ?? "").matchAll(/'([^']*)'/g)].map(([, user]) => user ?? "");
}
