/** `failureTolerate`: text that KubeEdge reads with Go's strconv.ParseFloat (calculation.go). */
import { invalid, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { isAbsent, wrongType, type Fields } from "./shape.ts";

const PATH = `${TEMPLATE_PATH}.failureTolerate`;

export interface Tolerance {
  /** Share of failed nodes that still counts as Completed; 0 where nothing usable is given, as in KubeEdge. */
  readonly tolerance: number;
  readonly findings: readonly Finding[];
}

export function checkTolerance(template: Fields): Tolerance {
  const value = template["failureTolerate"];
  // KubeEdge keeps 0 for "" as for absent; it is what its clients send for "not set".
  if (isAbsent(value) || value === "") return { tolerance: 0, findings: [] };
  if (typeof value !== "string") {
    return { tolerance: 0, findings: [wrongType(PATH, value, "a string, so put it in quotes")] };
  }
  const read = parseGoFloat(value);
  const found = (rule: Finding["rule"], text: string): Tolerance => ({
    tolerance: 0,
    findings: [invalid(rule, PATH, value, text)],
  });
  const wanted = 'must be a number from "0" to "1"';
  if (read === undefined) return found("tolerance-malformed", wanted);
  if (!Number.isFinite(read)) return found("tolerance-not-finite", wanted);
  if (read < 0 || read > 1) return found("tolerance-range", wanted);
  const always = invalid("tolerance-always", PATH, value, "the job is Completed even if every node fails");
  return { tolerance: read, findings: read === 1 ? [always] : [] };
}

/**
 * Whether KubeEdge would call the job Completed: the ratio is rounded to two decimals first, so 1 failure of 201 nodes
 * counts as none (facts/kubeedge-observed.md B).
 */
export function isTolerated(failed: number, total: number, tolerance: number): boolean {
  return total === 0 || Math.round((failed / total) * 100) / 100 <= tolerance;
}

const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const HEX = /^([+-]?)0x(?:_?([\da-f]+(?:_[\da-f]+)*))?\.?([\da-f]+(?:_[\da-f]+)*)?p([+-]?\d+(?:_\d+)*)$/i;
const SPECIAL = /^(?:nan|([+-]?)inf(?:inity)?)$/i;
/** Far more than any float64 needs; bounds the work on hostile text. */
const MAX_CHARACTERS = 400;

/** strconv.ParseFloat: undefined where that is a syntax error. Overflow is an infinity, underflow 0. */
export function parseGoFloat(text: string): number | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const special = SPECIAL.exec(text);
  if (special !== null) {
    if (/nan/i.test(text)) return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (DECIMAL.test(text)) return Number(text.replaceAll("_", ""));
  const hex = HEX.exec(text);
  if (hex === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = hex.map((part) =>
    part?.replaceAll("_", ""),
  );
  if (whole === "" && fraction === "") return undefined;
  const digits = Number.parseInt(`0${whole}${fraction}`, 16);
  return (sign === "-" ? -1 : 1) * digits * 2 ** (Number(exponent) - 4 * fraction.length);
}
