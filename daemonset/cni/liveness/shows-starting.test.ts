import { expect, test } from "vitest";
import { showsStarting } from "./shows-starting.ts";

const both = { hasContainers: true, hasSandboxStore: true };
const containersOnly = { hasContainers: true, hasSandboxStore: false };
const storeOnly = { hasContainers: false, hasSandboxStore: true };

test.each([
  ["containerd", "1.6.20~ds1", containersOnly, true],
  ["containerd", "v1.7.24", both, true],
  ["containerd", "1.10.0", both, true],
  ["containerd", "2.1.9", both, true],
  ["containerd", "v2.0.0-rc.1", both, true],
  // Its container comes after its network.
  ["containerd", "1.6.8", containersOnly, false],
  ["containerd", "1.5.18", containersOnly, false],
  ["containerd", "0.6.9", containersOnly, false],
  // Each service alone is blind on the other line.
  ["containerd", "2.1.9", containersOnly, false],
  ["containerd", "2.1.9", storeOnly, false],
  ["containerd", "1.7.24", storeOnly, false],
  ["containerd", "2.1.9", undefined, false],
  ["containerd", "dev", both, false],
  ["containerd", "2.1", both, false],
  ["containerd", "", both, false],
  ["cri-o", "1.33.0", both, false],
  ["docker", "27.1.0", undefined, false],
] as const)("%s %s with %j: %s", (name, version, services, expected) => {
  expect(showsStarting(name, version, services)).toBe(expected);
});
