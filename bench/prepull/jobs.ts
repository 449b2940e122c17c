/** Jobs to create, and the check of what the API server answers. */
import type { Answer } from "../load/answer.ts";
import type { Requests } from "../load/closed-loop.ts";
import { ANSWERER_LABEL, POLICY_NAME, WEBHOOK_NAME, type AnswererName } from "./answerers.ts";

const IMAGES = [
  "registry.k8s.io/pause:3.10",
  "docker.io/library/nginx:1.27",
  "ghcr.io/kubeedge/edge-eye:v1.4.2",
];
export const JOBS_PATH = "/apis/operations.kubeedge.io/v1alpha2/imageprepulljobs";
/** What one job usually names. */
export const NODES_OF_A_JOB = 20;

export function nodeName(index: number): string {
  return `edge-${String(index).padStart(5, "0")}.factory.example.com`;
}

export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => nodeName(index));
}

/** Good for every answerer, unless the timeout is changed. */
export function job(answerer: AnswererName, names: readonly string[], timeoutSeconds = 900): object {
  return {
    apiVersion: "operations.kubeedge.io/v1alpha2",
    kind: "ImagePrePullJob",
    metadata: { generateName: `${answerer}-`, labels: { [ANSWERER_LABEL]: answerer } },
    spec: {
      imagePrePullTemplate: {
        images: IMAGES,
        nodeNames: names,
        checkItems: ["disk"],
        failureTolerate: "0.1",
        concurrency: 10,
        timeoutSeconds,
        retryTimes: 2,
      },
    },
  };
}

function bytesOf(body: object, query = ""): Buffer {
  const text = JSON.stringify(body);
  const head = [
    `POST ${JOBS_PATH}?fieldManager=kubectl-create${query} HTTP/1.1`,
    "Host: 127.0.0.1",
    "User-Agent: nodelatch-bench",
    "Accept: application/json",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`);
}

/** A good job, again and again; each is created under a name of its own. */
export function goodJobs(answerer: AnswererName): Requests {
  const bytes = bytesOf(job(answerer, nodeNames(NODES_OF_A_JOB)));
  return {
    next: () => bytes,
    check({ status, body }) {
      if (status === 201) return;
      throw new Error(`${answerer}: expected 201, got ${status}: ${body.toString("utf8", 0, 600)}`);
    },
  };
}

/** A job with a number that nobody can read, dry; it shows who judges the answerer's jobs. */
export function badJob(answerer: AnswererName): {
  readonly bytes: Buffer;
  isAnswered(answer: Answer): boolean;
} {
  const says = {
    nothing: '"kind":"ImagePrePullJob"',
    policy: `ValidatingAdmissionPolicy '${POLICY_NAME}'`,
    nodelatch: String.raw`admission webhook \"${WEBHOOK_NAME}\" denied`,
  }[answerer];
  const expected = answerer === "nothing" ? 201 : 422;
  return {
    bytes: bytesOf(job(answerer, nodeNames(NODES_OF_A_JOB), -1), "&dryRun=All"),
    isAnswered: ({ status, body }) => status === expected && body.includes(says),
  };
}
