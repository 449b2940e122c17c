/** Removals to be carried out against a fake runtime. */
import { RuntimeError } from "../../runtime/runtime.ts";
import { DEFAULT_APPLY, type ApplyRequest } from "../apply.ts";
import type { Removal } from "../decide.ts";
import { WEB } from "../fixture.ts";
import type { SandboxCondition } from "../observation.ts";
import type { Outcome } from "../outcome.ts";
import type { Rule } from "../settings.ts";
import { FakeRuntime, type FakeContainer } from "./fake-runtime.ts";

export const NOW = 1_800_000_000_000_000_000n;

/** A runtime with so many created containers of one pod. */
export function runtimeWith(count: number) {
  const runtime = new FakeRuntime(NOW);
  const sandboxID = runtime.runSandbox(WEB);
  const containers = Array.from({ length: count }, (_, index) => runtime.create(sandboxID, `c${index}`, 0));
  return { runtime, sandboxID, containers };
}

export function removalOf(
  container: FakeContainer,
  part: { rule?: Rule; sandbox?: SandboxCondition; overtaken?: FakeContainer } = {},
): Removal {
  return {
    kind: "remove",
    rule: part.rule ?? "created-in-dead-sandbox",
    container: { ...container },
    sandbox: part.sandbox ?? "not-ready",
    sightings: { count: 2, spanMillis: 10_000 },
    overtaken: part.overtaken === undefined ? undefined : { ...part.overtaken },
  };
}

export function requestOf(
  runtime: FakeRuntime,
  removals: readonly Removal[],
  part: Partial<ApplyRequest> = {},
) {
  const slept: number[] = [];
  const told: Outcome[] = [];
  const request: ApplyRequest = {
    runtime,
    removals,
    settings: DEFAULT_APPLY,
    sleep: async (millis) => {
      slept.push(millis);
    },
    random: () => 1,
    monotonicMillis: () => 0,
    signal: new AbortController().signal,
    onOutcome: (outcome) => told.push(outcome),
    ...part,
  };
  return { request, slept, told };
}

export const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);
export const refuse = (kind: ConstructorParameters<typeof RuntimeError>[0], message = "no") => {
  throw new RuntimeError(kind, message);
};
