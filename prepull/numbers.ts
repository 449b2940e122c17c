/**
 * The numbers of a spec, as exactly as Go's typed clients will read them.
 *
 * The form in which a number is written decides nothing here, and that is sound: the API server reads JSON into int64,
 * or into float64 where there is a point or an exponent (sigs.k8s.io/json convertNumber), lets whole floats pass as
 * integers (kube-openapi type.go), refuses what has more than 64 bits, and writes Go's shortest form again, so a webhook
 * gets 1000 for 1e3 and 1 for 1.0 (test/recorded-jobs). JSON.parse rounds beyond 2^53, which is far outside every range
 * below: the verdict can't change, only the last digits in a message. Whoever reads a file gives bigint and keeps them.
 * The one odd case is -0.0: it comes as -0, and Go reads that into an int32 but not into a uint32.
 */
import { invalid, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { isAbsent, wrongType, type Fields } from "./shape.ts";

/** facts/kubeedge.md 1.2: the CRD's `format: int32` bounds nothing (facts/kubeedge-observed.md A). */
export const NUMBER_FIELDS = {
  timeoutSeconds: { least: 0, most: 4_294_967_295, type: "uint32" },
  concurrency: { least: -2_147_483_648, most: 2_147_483_647, type: "int32" },
  retryTimes: { least: -2_147_483_648, most: 2_147_483_647, type: "int32" },
} as const;

export type NumberField = keyof typeof NUMBER_FIELDS;

/** edge/pkg/taskmanager: a fixed pause between two attempts. */
const RETRY_PAUSE_SECONDS = 0.5;
const RETRIES_WITHOUT_TIMEOUT_SECONDS = 600;

export interface Numbers {
  /** 0 = none, as in KubeEdge. */
  readonly timeoutSeconds: number;
  /** At least 1, as KubeEdge uses it. */
  readonly concurrency: number;
  readonly retryTimes: number;
}

export function checkNumbers(template: Fields): {
  readonly numbers: Numbers;
  readonly findings: readonly Finding[];
} {
  const findings: Finding[] = [];
  const read = (field: NumberField): number => {
    const found = readNumber(template, field);
    if (typeof found === "number") return found;
    findings.push(found);
    return 0;
  };
  const timeoutSeconds = read("timeoutSeconds");
  const concurrency = read("concurrency");
  const retryTimes = read("retryTimes");
  if (concurrency < 0) {
    findings.push(
      invalid("concurrency-negative", pathOf("concurrency"), concurrency, "must be 0 or more; 0 means 1"),
    );
  }
  if (retryTimes < 0) {
    findings.push(invalid("retries-negative", pathOf("retryTimes"), retryTimes, "must be 0 or more"));
  }
  const numbers = { timeoutSeconds, concurrency: Math.max(concurrency, 1), retryTimes };
  return { numbers, findings: [...findings, ...adviseNumbers(numbers, template)] };
}

function adviseNumbers({ timeoutSeconds, retryTimes }: Numbers, template: Fields): readonly Finding[] {
  const findings: Finding[] = [];
  const given = template["timeoutSeconds"];
  if (timeoutSeconds === 0 && isUsable("timeoutSeconds", given)) {
    const text = "no timeout: one lost report leaves the job InProgress for ever; use e.g. 300";
    findings.push(
      isAbsent(given)
        ? { rule: "timeout-missing", path: pathOf("timeoutSeconds"), problem: "Required value", text }
        : invalid("timeout-missing", pathOf("timeoutSeconds"), given, text),
    );
  }
  const boundSeconds = timeoutSeconds === 0 ? RETRIES_WITHOUT_TIMEOUT_SECONDS : timeoutSeconds;
  if (retryTimes * RETRY_PAUSE_SECONDS > boundSeconds) {
    const text = `pulls on for over ${boundSeconds} s, past the timeout and a delete`;
    findings.push(invalid("retries-many", pathOf("retryTimes"), retryTimes, text));
  }
  return findings;
}

/** Fields that make every typed client fail, with the values: the poison that an update may cure. */
export function undecodableNumbers(template: Fields): ReadonlyMap<NumberField, unknown> {
  const found = new Map<NumberField, unknown>();
  for (const field of numberFields()) {
    const value = template[field];
    if (!isUsable(field, value)) found.set(field, value);
  }
  return found;
}

function readNumber(template: Fields, field: NumberField): number | Finding {
  const value = template[field];
  if (isAbsent(value)) return 0;
  const { least, most, type } = NUMBER_FIELDS[field];
  if (typeof value !== "number" && typeof value !== "bigint")
    return wrongType(pathOf(field), value, "an integer");
  // Number() of a bigint in range is exact; out of range it is not asked for. `+ 0` makes an int32's -0 a plain 0.
  if (isUsable(field, value)) return Number(value) + 0;
  return invalid(
    "number-range",
    pathOf(field),
    value,
    `must be an integer from ${least} to ${most} (Go ${type})`,
  );
}

function isUsable(field: NumberField, value: unknown): boolean {
  if (isAbsent(value)) return true;
  const { least, most, type } = NUMBER_FIELDS[field];
  if (typeof value === "bigint") return value >= BigInt(least) && value <= BigInt(most);
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  if (type === "uint32" && Object.is(value, -0)) return false;
  return value >= least && value <= most;
}

function numberFields(): readonly NumberField[] {
  return ["timeoutSeconds", "concurrency", "retryTimes"];
}

function pathOf(field: NumberField): string {
  return `${TEMPLATE_PATH}.${field}`;
}
