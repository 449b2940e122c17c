/** The simulated server against what a real kube-apiserver 1.35.4 answered (recording.jsonl, made by record.ts). */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { issueAuthority } from "../../../certs/authority.ts";
import { startApiServer } from "../api-server.ts";
import type { ApiServer } from "../api-server.ts";
import { objectAt, own, parseJson, textAt } from "../objects/json.ts";
import type { Json } from "../objects/json.ts";
import { allSteps } from "./all-steps.ts";
import { startRecordingWebhook } from "./recording-webhook.ts";
import type { RecordingWebhook } from "./recording-webhook.ts";
import { runSteps } from "./run-steps.ts";
import type { Outcome } from "./step.ts";

const PLACE = { url: "https://127.0.0.1:1", caPem: "", deadUrl: "https://127.0.0.1:1", otherCaPem: "" };

const recorded = new Map(
  readFileSync(new URL("recording.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => parseJson(line))
    .map((outcome) => [textAt(objectAt(outcome), "title"), objectAt(outcome)]),
);

describe("like kube-apiserver 1.35.4, the simulated server", () => {
  let server: ApiServer;
  let webhook: RecordingWebhook;
  let outcomes: ReadonlyMap<string, Outcome>;

  beforeAll(async () => {
    webhook = await startRecordingWebhook();
    server = await startApiServer({
      users: [
        { username: "admin", uid: "1", groups: ["system:masters"], token: "admin-token" },
        { username: "bob", uid: "2", groups: ["dev"], token: "bob-token" },
      ],
      allow: (user, { verb, resource, subresource, group }) =>
        user.username === "bob" &&
        ["get", "list", "patch"].includes(verb) &&
        [group, resource, subresource].join("/") === "/nodes/",
    });
    const steps = allSteps({
      url: webhook.url,
      caPem: webhook.caPem,
      deadUrl: PLACE.deadUrl,
      otherCaPem: issueAuthority(Date.now(), 3_600_000).certPem,
    });
    const target = {
      url: server.url,
      caPem: server.caPem,
      tokens: { admin: "admin-token", bob: "bob-token" },
      settleMillis: 0,
    };
    outcomes = new Map((await runSteps(target, webhook, steps)).map((outcome) => [outcome.title, outcome]));
  }, 120_000);

  afterAll(async () => {
    await server.close();
    await webhook.close();
  });

  test.each(allSteps(PLACE))("$title", ({ title, loose }) => {
    const expected = recorded.get(title);
    const found = outcomes.get(title);
    if (expected === undefined || found === undefined) throw new Error("not recorded: run record.ts again");
    const compared = loose === undefined ? (outcome: object): unknown => outcome : gist;
    expect(compared({ ...found })).toEqual(compared(expected));
  });

  test("has an outcome for every recorded step", () => {
    expect([...outcomes.keys()]).toEqual([...recorded.keys()]);
  });
});

/** What must agree even where words may differ. */
function gist(outcome: Readonly<Record<string, unknown>>): unknown {
  const { code, warnings, body, reviews } = outcome;
  return { code, warnings, reason: reasonOf(body), asked: Array.isArray(reviews) ? reviews.length : 0 };
}

function reasonOf(body: unknown): Json | undefined {
  return own(objectAt(parseJson(JSON.stringify(body ?? null))), "reason");
}
