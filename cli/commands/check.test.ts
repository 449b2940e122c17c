import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseArguments } from "../arguments.ts";
import type { Context } from "../command.ts";
import { check } from "./check.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-check-"));
});
afterAll(async () => rm(folder, { recursive: true }));

const GOOD = `apiVersion: operations.kubeedge.io/v1alpha2
kind: ImagePrePullJob
metadata: {name: pull1}
spec:
  imagePrePullTemplate:
    images: ["docker.io/library/nginx:1.27"]
    nodeNames: [edge1]
    timeoutSeconds: 300
`;
const BAD = GOOD.replace("300", "-1").replace("nginx:1.27", "nginx").replace("pull1", "pull2");

async function run(
  texts: readonly string[],
  ...more: readonly string[]
): Promise<{ code: number; out: string }> {
  const printed: string[] = [];
  const files = texts.map((_, at) => join(folder, `${at}.yaml`));
  for (const [at, file] of files.entries()) await writeFile(file, texts[at] ?? "");
  const argv = files.flatMap((file) => ["-f", file]);
  const context: Context = {
    terminal: { out: (line) => printed.push(line), err: (line) => printed.push(line), colors: false },
    cluster: () => Promise.reject(new Error("no cluster is needed")),
    namespace: undefined,
    version: "0",
    wallMillis: () => 0,
    monotonicMillis: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal: new AbortController().signal,
  };
  const code = await check.run(parseArguments(check.spec, [...argv, ...more]), context);
  return { code, out: printed.join("\n").replaceAll(`${folder}/`, "") };
}

test("nothing to say", async () => {
  expect(await run([GOOD])).toEqual({ code: 0, out: "1 ImagePrePullJob, 0 errors, 0 warnings" });
  expect(await run(["kind: Pod\n"])).toEqual({ code: 0, out: "0 ImagePrePullJobs, 0 errors, 0 warnings" });
});

test("errors and warnings, with file, line and rule", async () => {
  const { code, out } = await run([GOOD, `${GOOD}---\n${BAD}`]);
  expect(code).toBe(1);
  expect(out.split("\n")).toEqual([
    '1.yaml:15: warning: spec.imagePrePullTemplate.images[0]: Invalid value: "docker.io/library/nginx": a node that has one keeps it, however old; give a fixed tag or digest [image-tag-moves]',
    "1.yaml:17: error: spec.imagePrePullTemplate.timeoutSeconds: Invalid value: -1: must be an integer from 0 to 4294967295 (Go uint32); KubeEdge would stop every ImagePrePullJob of the cluster, as nothing can list them any more, and its controller-manager would crash at the next restart; e.g. timeoutSeconds: 300, concurrency: 5, retryTimes: 2 [number-range]",
    "3 ImagePrePullJobs, 1 error, 1 warning",
  ]);
});

test("a rule that only warns", async () => {
  const { code, out } = await run([BAD], "--warn-only=number-range");
  expect(code).toBe(0);
  expect(out).toContain("1 ImagePrePullJob, 0 errors, 2 warnings");
  await expect(run([BAD], "--warn-only=nonsense")).rejects.toThrow(
    '--warn-only="nonsense": expected one of field-type,',
  );
});

test("for programs", async () => {
  const { code, out } = await run([BAD], "-o", "json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    apiVersion: "cli.nodelatch.io/v1",
    kind: "PrepullCheck",
    jobs: 1,
    findings: [
      { file: "0.yaml", line: 6, level: "warning", rule: "image-tag-moves", job: "pull2" },
      { file: "0.yaml", line: 8, level: "error", rule: "number-range", job: "pull2" },
    ],
  });
});

test("what can't be read ends with 2", async () => {
  const { code, out } = await run([GOOD, "a: [\n"]);
  expect(code).toBe(2);
  expect(out).toContain("1.yaml:2: error: Flow sequence");
  await expect(run([], "-f", join(folder, "absent"))).rejects.toMatchObject({ exitCode: 2 });
  await expect(run([])).rejects.toThrow("check: expected -f FILE");
});
