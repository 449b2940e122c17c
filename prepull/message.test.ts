import { expect, test } from "vitest";
import { advise } from "./advice.ts";
import { factsWith, nodeFact, specWith } from "./fixture.ts";
import { errorText, refusalText, warningTexts } from "./message.ts";
import { checkSpec } from "./spec.ts";

test("one error is one line", () => {
  const { findings } = checkSpec(specWith({ timeoutSeconds: -1 }));
  expect(refusalText("pull1", findings)).toBe(
    'ImagePrePullJob.operations.kubeedge.io "pull1" is invalid: ' +
      "spec.imagePrePullTemplate.timeoutSeconds: Invalid value: -1: must be an integer from 0 to 4294967295 (Go uint32); " +
      "KubeEdge would stop every ImagePrePullJob of the cluster, as nothing can list them any more, and its " +
      "controller-manager would crash at the next restart; e.g. timeoutSeconds: 300, concurrency: 5, retryTimes: 2",
  );
});

test("several are a list, as kubectl makes it", () => {
  const { findings } = checkSpec(specWith({ images: [""], nodeNames: ["a", "a"], checkItems: ["gpu"] }));
  const lines = refusalText("pull1", findings).split("\n");
  expect(lines.map((line) => line.split("; ")[0])).toEqual([
    'ImagePrePullJob.operations.kubeedge.io "pull1" is invalid:',
    '* spec.imagePrePullTemplate.images[0]: Invalid value: "": must name an image',
    '* spec.imagePrePullTemplate.nodeNames[1]: Duplicate value: "a": already at nodeNames[0]',
    '* spec.imagePrePullTemplate.checkItems[0]: Unsupported value: "gpu": supported values: "cpu", "mem", "disk"',
  ]);
});

test("the form without a value, and numbers that JSON.parse would round", () => {
  const { findings } = checkSpec(specWith({ images: [], timeoutSeconds: 9_007_199_254_740_993n }));
  const texts = findings.map((finding) => errorText(finding).split(";")[0]);
  expect(texts).toEqual([
    "spec.imagePrePullTemplate.timeoutSeconds: Invalid value: 9007199254740993: must be an integer from 0 to 4294967295 (Go uint32)",
    "spec.imagePrePullTemplate.images: Required value: at least one image",
  ]);
});

test("thousands of errors are counted, and a hostile value stays one short line", () => {
  const nodeNames = Array.from({ length: 5000 }, (_, at) => `Bad\n${at}`);
  const { findings } = checkSpec(specWith({ nodeNames }));
  const lines = refusalText("x\n".repeat(1000), findings).split("\n");
  expect(lines).toHaveLength(42);
  expect(lines.at(-1)).toBe("* and 4960 more");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(250);
});

test("warnings of usual size fit whole", () => {
  const { template, findings } = checkSpec(
    specWith({
      images: ["nginx", "nginx", "registry.example.com/team/app:1"],
      nodeNames: ["edge-site-0001", "edge-site-0002", "edge-site-0003", "edge-site-0004"],
      checkItems: ["cpu"],
      timeoutSeconds: 0,
      retryTimes: 1201,
    }),
  );
  const facts = factsWith({
    nodes: [nodeFact("edge-site-0001")],
    cloudTaskManager: "off",
    controllerManager: "missing",
  });
  const advice = template === undefined ? [] : advise(template, facts);
  const texts = warningTexts([...findings, ...advice]);
  expect(texts).toMatchInlineSnapshot(`
    [
      "nodelatch: timeoutSeconds 0: no timeout: one lost report leaves the job InProgress for ever; use e.g. 300",
      "nodelatch: retryTimes 1201: pulls on for over 600 s, past the timeout and a delete",
      "nodelatch: images[0] "nginx": a node that has one keeps it, however old; give a fixed tag or digest",
      "nodelatch: images[1] "nginx": listed twice",
      "nodelatch: images[2] "registry.example.com/team/app:1": private registry? there are no imageSecrets",
      "nodelatch: checkItems[0] "cpu": 100 ms of CPU use above 80 % fail the node; prefer mem and disk",
      "nodelatch: Deployment kubeedge-controller-manager: it is not installed; nothing will happen",
      "nodelatch: ConfigMap kubeedge/cloudcore: modules.taskManager.enable is off: nodes stay Pending",
      "nodelatch: nodeNames 3 of 4: edge-site-0002, edge-site-0003 and 1 more not found",
      "nodelatch: failureTolerate 0: 3 of 4 nodes fail at once, so the job ends in Failure",
    ]
  `);
  expect(texts.filter((text) => text.length > 120 || text.endsWith("..."))).toEqual([]);
});

test("many warnings are counted", () => {
  const images = Array.from({ length: 30 }, (_, at) => `app${at}`);
  const texts = warningTexts(checkSpec(specWith({ images })).findings);
  expect(texts).toHaveLength(21);
  expect(texts.at(-1)).toBe("nodelatch: and 10 more warnings");
});
