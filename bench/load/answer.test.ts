import { describe, expect, test } from "vitest";
import { readAnswer } from "./answer.ts";

const sized = Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello");
const chunked = Buffer.from(
  "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\nA\r\nlo again, \r\n0\r\n\r\n",
);

describe("an answer", () => {
  test.each([
    ["with a length", sized, 200, "hello"],
    ["in chunks", chunked, 403, "hello again, "],
  ])("%s is read only when its last byte is there", (_how, bytes, status, body) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readAnswer(bytes.subarray(0, length))).toBeUndefined();
    }
    const read = readAnswer(bytes);
    expect(read?.answer.status).toBe(status);
    expect(read?.answer.body.toString()).toBe(body);
    expect(read?.rest.length).toBe(0);
  });

  test.each([
    ["with a length", sized],
    ["in chunks", chunked],
  ])("%s leaves the next one", (_how, bytes) => {
    expect(readAnswer(Buffer.concat([bytes, sized]))?.rest).toEqual(sized);
  });

  test.each([
    ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n", /expected HTTP\/1\.1/],
    ["no length", "HTTP/1.1 200 OK\r\n\r\n", /expected Content-Length or chunks/],
    ["the end of its connection", "HTTP/1.1 503 X\r\nConnection: close\r\n\r\n", /ends the connection/],
    [
      "a chunk without size",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
      /size of a chunk/,
    ],
  ])("with %s is an error", (_what, text, problem) => {
    expect(() => readAnswer(Buffer.from(text))).toThrow(problem);
  });

  test("whose head never ends is an error", () => {
    expect(() => readAnswer(Buffer.alloc(70_000, "a"))).toThrow(/no end of its head/);
  });
});
