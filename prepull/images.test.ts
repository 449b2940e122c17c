import { expect, test } from "vitest";
import { foundIn } from "./fixture.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test.each<[unknown, readonly string[]]>([
  [["nginx:1.27"], []],
  [[`nginx@${DIGEST}`], []],
  [[`nginx:latest@${DIGEST}`], []],
  [["quay.io/team/app:1"], []],
  [[], ["images-missing images"]],
  [undefined, ["images-missing images"]],
  [null, ["images-missing images"]],
  [[""], ["image-empty images[0]"]],
  [[null], ["image-empty images[0]"]],
  [["nginx:1.27", ""], ["image-empty images[1]"]],
  [["bad image!!"], ["image-malformed images[0]"]],
  [[" nginx:1"], ["image-malformed images[0]"]],
  [["nginx"], ["image-tag-moves images[0]"]],
  [["nginx:latest"], ["image-tag-moves images[0]"]],
  [["nginx:latest1"], []],
  [["nginx:1", "nginx:2"], []],
  [["nginx:1", "docker.io/library/nginx:1"], ["image-duplicate images[1]"]],
  [["registry.example.com/a:1", "registry.example.com/b:1"], ["registry-without-secret images[0]"]],
  [["10.0.0.1:5000/a:1"], ["registry-without-secret images[0]"]],
  [["nginx:1", 7], ["field-type images[1]"]],
  ["nginx:1", ["field-type images"]],
  [{ 0: "nginx:1" }, ["field-type images"]],
])("images %j: %j", (images, expected) => {
  expect(foundIn({ images })).toEqual(expected);
});

test("a registry that may be private is fine beside a secret", () => {
  const images = ["registry.example.com/a:1"];
  expect(foundIn({ images, imageSecrets: "kubeedge/login" })).toEqual([]);
  expect(foundIn({ images, imageSecrets: "" })).toEqual(["registry-without-secret images[0]"]);
});
