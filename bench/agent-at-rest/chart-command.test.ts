import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { nodeFlagsIn, readNodeFlags } from "./chart-command.ts";

test("the chart's flags are found, and this Node takes them: with one that it does not know it would not start", async () => {
  const flags = await readNodeFlags();
  expect(flags).toContain("--max-semi-space-size=1");
  const said = execFileSync(process.execPath, [...flags, "-p", "1 + 1"], { encoding: "utf8" });
  expect(said.trim()).toBe("2");
});

test("a list over several lines, with comments", () => {
  const template = `
          command:
            [
              "/usr/bin/node",
              # why
              "--a=1",
              "/app/agent.mjs",
              "run",
            ]
          args:
            - --host-root=[x]
`;
  expect(nodeFlagsIn(template)).toEqual(["--a=1"]);
});

test.each(["", 'command: ["/bin/sh"]\n'])("a template without it (%j) is an error", (template) => {
  expect(() => nodeFlagsIn(template)).toThrow("expected a command that runs /app/agent.mjs");
});
