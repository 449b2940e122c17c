import { expect, test } from "vitest";
import { imageConfig } from "./image-archive.ts";
import { buildImage } from "./image.ts";

test("an architecture nobody builds for is refused by name", () => {
  expect(() => imageConfig({ reference: "a:b", arch: "s390x", layers: [], config: {} })).toThrow("s390x");
});

test("where no image can be built, the message says what to do instead", async () => {
  const request = {
    root: "/",
    out: "/nowhere/image.tar",
    reference: "a:b",
    programs: [],
    platform: "darwin",
  };
  await expect(buildImage(request)).rejects.toThrow(/this is darwin.*docker build/);
});
