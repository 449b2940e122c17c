/** A health check and how a set of them reads, in the words of the API server's own /livez and /readyz. */

export type CheckResult =
  { readonly ok: true; readonly detail?: string } | { readonly ok: false; readonly detail: string };

/** One named condition. A check that throws or ignores `signal` for too long has failed. */
export interface Check {
  /** Lower case and dashes: it becomes a path, `/readyz/<name>`. */
  readonly name: string;
  /** `detail` is shown to whoever asks; it holds no secrets. */
  check(signal: AbortSignal): CheckResult | Promise<CheckResult>;
}

export interface Report {
  readonly ok: boolean;
  /** Names of the checks that failed. */
  readonly failed: readonly string[];
  /** One line per check, then the verdict. */
  readonly text: string;
}

/**
 * Runs all checks at once, each for at most `timeoutMillis`.
 * @param title `readyz` or the like, for the last line.
 * @param excluded names that are not run and count as passed, as the API server's `?exclude=`.
 */
export async function runChecks(
  title: string,
  checks: readonly Check[],
  excluded: ReadonlySet<string>,
  timeoutMillis: number,
): Promise<Report> {
  const failed: string[] = [];
  const lines = await Promise.all(
    checks.map(async (check) => {
      if (excluded.has(check.name)) return `[+]${check.name} excluded: ok`;
      const result = await runCheck(check, timeoutMillis);
      if (result.ok) return `[+]${check.name} ok${result.detail === undefined ? "" : `: ${result.detail}`}`;
      failed.push(check.name);
      return `[-]${check.name} failed: ${result.detail}`;
    }),
  );
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0)
    lines.push(`warn: some checks can't be excluded: no matches for ${JSON.stringify(unknown)}`);
  lines.push(`${title} check ${failed.length === 0 ? "passed" : "failed"}`);
  return { ok: failed.length === 0, failed, text: `${lines.join("\n")}\n` };
}

async function runCheck(check: Check, timeoutMillis: number): Promise<CheckResult> {
  const signal = AbortSignal.timeout(timeoutMillis);
  const late = new Promise<CheckResult>((resolve) => {
    const result: CheckResult = { ok: false, detail: `no answer within ${timeoutMillis} ms` };
    signal.addEventListener("abort", () => resolve(result), { once: true });
  });
  try {
    return await Promise.race([check.check(signal), late]);
  } catch (cause) {
    return { ok: false, detail: cause instanceof Error ? cause.message : String(cause) };
  }
}
