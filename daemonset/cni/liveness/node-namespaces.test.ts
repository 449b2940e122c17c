import { expect, test } from "vitest";
import { mountInfoOf } from "./node-namespaces.ts";

test.each([
  ["/", "/proc/self/mountinfo"],
  ["", "/proc/self/mountinfo"],
  ["/proc/1/root", "/proc/1/mountinfo"],
  ["/proc/4711/root/", "/proc/4711/mountinfo"],
  ["/host", "/proc/1/mountinfo"],
])("with the node's root at %j its mounts are in %s", (hostRoot, path) => {
  expect(mountInfoOf(hostRoot)).toBe(path);
});
