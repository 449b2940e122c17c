import { expect, test } from "vitest";
import { layOutMachines } from "./addresses.ts";

test("gives every machine its own address and pods", () => {
  expect(layOutMachines(["a", "b"])).toEqual([
    { name: "a", address: "172.30.0.11", podSubnet: "10.244.1.0/24" },
    { name: "b", address: "172.30.0.12", podSubnet: "10.244.2.0/24" },
  ]);
});

test.each([
  ["no machine", []],
  ["more machines than addresses", Array.from({ length: 51 }, (_, index) => `n${index}`)],
])("refuses %s", (_name, names) => {
  expect(() => layOutMachines(names)).toThrow("expected 1 to 50 names");
});
