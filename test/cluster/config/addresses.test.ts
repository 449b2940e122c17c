import { expect, test } from "vitest";
import { layOutMachines } from "./addresses.ts";

test("gives every machine its own address and pods", () => {
  const files = [{ path: "/usr/bin/ctr", shows: "/cache/ctr" }];
  expect(layOutMachines([{ name: "a" }, { name: "b", files, lastPlugin: "slow" }])).toEqual([
    { name: "a", files: [], lastPlugin: null, address: "172.30.0.11", podSubnet: "10.244.1.0/24" },
    { name: "b", files, lastPlugin: "slow", address: "172.30.0.12", podSubnet: "10.244.2.0/24" },
  ]);
});

test.each([
  ["no machine", []],
  ["more machines than addresses", Array.from({ length: 51 }, (_, index) => ({ name: `n${index}` }))],
])("refuses %s", (_name, requests) => {
  expect(() => layOutMachines(requests)).toThrow("expected 1 to 50");
});
