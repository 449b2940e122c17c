/** The webhook as it runs, with its own settings and certificate, on a review that a real API server sent. */
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { textAt } from "../../kube/json.ts";
import { call, readAnswer } from "../../webhook/testing/call.ts";
import { startStage } from "../simulated/stage.ts";

test("/prepull refuses a poisonous job and takes a good one", async () => {
  let port = 0;
  const stage = await startStage({
    users: [],
    onLog: (line) => {
      port = Number(/"port":(\d+).*"msg":"serving"/.exec(line)?.[1] ?? port);
    },
  });
  onTestFinished(() => stage.close());
  const reviews = readFileSync(new URL("recording.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const ask = async (name: string) => {
    const review =
      textAt(
        reviews.find((entry) => textAt(entry, "name") === name),
        "review",
      ) ?? "";
    return readAnswer((await call(port, "/prepull", review)).text);
  };
  expect(await ask("timeoutSeconds 300")).toMatchObject({ allowed: true });
  expect(await ask("timeoutSeconds -1")).toMatchObject({ allowed: false, code: 422, reason: "Invalid" });
});
