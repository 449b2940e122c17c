// The reference of the handler bench: node:https, JSON.parse, a denial of fixed shape. No checks, no log, no metrics.
// It keeps connections longer than Node's 5 s only because the load's stay idle while the other side is measured.
import { createServer } from "node:https";
import { announce, serverArguments } from "./serve.ts";

const { host, pair } = serverArguments();

const server = createServer(
  { cert: pair.certificate, key: pair.key, keepAliveTimeout: 120_000 },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const review: unknown = JSON.parse(Buffer.concat(chunks).toString());
      const answer = JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: {
          uid: uidOf(review),
          allowed: false,
          status: { code: 403, reason: "Forbidden", message: "the node is locked for reboot" },
        },
      });
      response.writeHead(200, {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(answer),
      });
      response.end(answer);
    });
  },
);

function uidOf(review: unknown): unknown {
  if (typeof review !== "object" || review === null || !("request" in review)) return "";
  const { request } = review;
  return typeof request === "object" && request !== null && "uid" in request ? request.uid : "";
}

server.listen(0, host, () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) announce(address.port);
});
