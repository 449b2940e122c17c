import { afterAll, beforeEach, expect, test } from "vitest";
import { keepUncordon } from "./requested-uncordons.ts";
import { ApiServer, status, type ApiAnswer } from "./testing/api-server.ts";

const signal = new AbortController().signal;
const server = await new ApiServer(() => ({ status: 200, json: {} })).listen();
const kube = await server.connect();

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.requests.length = 0;
});

const wanted = { nodeName: "n1", nodeUID: "u1", lock: '{"holder":"alice"}', value: '{"by":"bob"}' };

test("one write, only onto that node and under that lock", async () => {
  server.answer = () => ({ status: 200, json: { kind: "Node" } });
  expect(await keepUncordon(kube, wanted, signal)).toBe("kept");
  expect(server.requests).toMatchObject([
    {
      method: "PATCH",
      path: "/api/v1/nodes/n1",
      headers: { "content-type": "application/json-patch+json" },
      body: [
        { op: "test", path: "/metadata/uid", value: "u1" },
        { op: "test", path: "/metadata/annotations/nodelatch.io~1reboot-lock", value: '{"holder":"alice"}' },
        { op: "add", path: "/metadata/annotations/nodelatch.io~1uncordon-requested", value: '{"by":"bob"}' },
      ],
    },
  ]);
});

test.each<[string, ApiAnswer]>([
  ["another lock, or another node of that name", status(422, "Invalid", "the server rejected our request")],
  ["no such node", status(404, "NotFound", 'nodes "n1" not found')],
])("with %s there is nothing to keep it for", async (_name, answer) => {
  server.answer = () => answer;
  expect(await keepUncordon(kube, wanted, signal)).toBe("gone");
});

test.each<[string, ApiAnswer]>([
  ["forbidden", status(403, "Forbidden", "may not patch nodes")],
  ["a conflict", status(409, "Conflict", "the object has been modified")],
  ["unavailable", status(500, "InternalError", "failed calling webhook")],
])("%s is an error that names the node", async (_name, answer) => {
  server.answer = () => answer;
  await expect(keepUncordon(kube, wanted, signal)).rejects.toThrow("keep a refused uncordon on Node n1");
});
