import { expect, test } from "vitest";
import { parseReservation } from "./reservation.ts";

const ID = "d03dad88".padEnd(64, "0");
const NAME = "app_p1_default_1111_0";

test.each([
  ["containerd 1.6", `failed to reserve container name "${NAME}": name "${NAME}" is reserved for "${ID}"`],
  [
    "containerd 2.1.9",
    `failed to reserve container name "${NAME}"; check if another CreateContainer request is in progress: name "${NAME}" is reserved for "${ID}"`,
  ],
  [
    "kubelet's log",
    `E1121 pod_workers.go "Error syncing pod" err="rpc error: code = Unknown desc = failed to reserve container name \\"${NAME}\\": name \\"${NAME}\\" is reserved for \\"${ID}\\""`,
  ],
])("the holder is read from the words of %s", (_who, text) => {
  expect(parseReservation(text)).toEqual({ name: NAME, holderID: ID });
});

test.each([
  ["nothing", ""],
  ["another error", "failed to create containerd task"],
  ["a shortened ID", `name "${NAME}" is reserved for "${ID.slice(1)}"`],
  ["a longer ID", `name "${NAME}" is reserved for "${ID}0"`],
  ["what is no ID", `name "${NAME}" is reserved for "${"g".repeat(64)}"`],
  ["a name beyond all bounds", `name "${"n".repeat(1_025)}" is reserved for "${ID}"`],
])("%s names no holder", (_what, text) => {
  expect(parseReservation(text)).toBeUndefined();
});
