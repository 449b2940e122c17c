/**
 * Runs the steps against a real kube-apiserver and writes recording.jsonl, one outcome a line.
 *
 *   node test/simulated/conformance/record.ts --server=URL --ca=FILE --admin-token=T --bob-token=T
 *
 * The server needs both tokens in its --token-auth-file (admin with system:masters, bob with dev), RBAC, and
 * --disable-admission-plugins=TaintNodesByCondition, because no controller is there to take that taint away.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { parseArgs } from "node:util";
import { issueAuthority } from "../../../certs/authority.ts";
import { allSteps } from "./all-steps.ts";
import { startRecordingWebhook } from "./recording-webhook.ts";
import { runSteps } from "./run-steps.ts";
import type { Target } from "./run-steps.ts";

const RBAC_PATH = "/apis/rbac.authorization.k8s.io/v1";
const OPTION = { type: "string" } as const;
/** A real server acts on changed configurations within 2 s. */
const SETTLE_MILLIS = 2_500;

const { values } = parseArgs({
  options: { server: OPTION, ca: OPTION, "admin-token": OPTION, "bob-token": OPTION },
});

function given(name: keyof typeof values): string {
  const value = values[name];
  if (value === undefined) throw new RangeError(`--${name}: expected a value`);
  return value;
}

const target: Target = {
  url: given("server"),
  caPem: readFileSync(given("ca"), "utf8"),
  tokens: { admin: given("admin-token"), bob: given("bob-token") },
  settleMillis: SETTLE_MILLIS,
};

/** bob's rights, which the simulated server is given as a function. */
async function grantBob(): Promise<void> {
  const metadata = { name: "bob" };
  const rules = [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "patch"] }];
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "bob" };
  await create("clusterroles", { kind: "ClusterRole", metadata, rules });
  await create("clusterrolebindings", {
    kind: "ClusterRoleBinding",
    metadata,
    roleRef,
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "bob" }],
  });
}

/** A second recording on the same server would find the first one's objects. */
function create(resource: string, object: Record<string, unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      new URL(`${RBAC_PATH}/${resource}`, target.url),
      {
        method: "POST",
        ca: target.caPem,
        headers: { authorization: `Bearer ${target.tokens.admin}`, "content-type": "application/json" },
      },
      (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        if (statusCode === 201) resolve();
        else reject(new Error(`creating ${resource}: HTTP ${statusCode}; is the server a new one?`));
      },
    );
    request.on("error", reject);
    request.end(JSON.stringify({ apiVersion: "rbac.authorization.k8s.io/v1", ...object }));
  });
}

await grantBob();
const webhook = await startRecordingWebhook();
const steps = allSteps({
  url: webhook.url,
  caPem: webhook.caPem,
  deadUrl: "https://127.0.0.1:1",
  otherCaPem: issueAuthority(Date.now(), 3_600_000).certPem,
});
const outcomes = await runSteps(target, webhook, steps);
await webhook.close();
const lines = outcomes.map((outcome) => JSON.stringify(outcome));
writeFileSync(new URL("recording.jsonl", import.meta.url), `${lines.join("\n")}\n`);
process.stdout.write(`${outcomes.length} outcomes recorded\n`);
