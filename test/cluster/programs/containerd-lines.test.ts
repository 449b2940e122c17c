import { expect, test } from "vitest";
import { newestOf } from "./containerd-lines.ts";

test.each([
  ["Debian's newest revision of it", "1.7.24", ["1.7.24~ds1-7", "1.7.24~ds1-6+deb13u1"], "1.7.24~ds1-7"],
  ["it among others", "2.1.9", ["2.2.5+ds1-1", "2.1.9+ds1-5", "1.7.24~ds1-6"], "2.1.9+ds1-5"],
  ["it without a suffix of the source", "1.6.20", ["1.6.20-1"], "1.6.20-1"],
  ["no version that merely begins alike", "1.6.2", ["1.6.20~ds1-1", "1.6.24-1"], undefined],
  ["none where there is none", "2.1.9", [], undefined],
])("of a line it takes %s", (_name, upstream, versions, expected) => {
  expect(newestOf(upstream, versions)).toBe(expected);
});
