import { expect, test } from "vitest";
import { canonicalImage, parseImageReference } from "./image-reference.ts";

const F64 = "f".repeat(64);
const F128 = "f".repeat(128);
const LONGEST_REPOSITORY = "a".repeat(250);
const LONGEST_TAG = "t".repeat(128);
const HEX64 = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a";

// Inputs of the distribution project (reference_test.go, normalize_test.go), as ParseNormalizedNamed takes them:
// reference, registry, repository, tag, digest.
const VALID: readonly (readonly [
  text: string,
  registry: string,
  repository: string,
  tag?: string | undefined,
  digest?: string,
])[] = [
  ["test_com", "docker.io", "library/test_com"],
  ["test.com:tag", "docker.io", "library/test.com", "tag"],
  ["test.com:5000", "docker.io", "library/test.com", "5000"],
  ["test.com/repo:tag", "test.com", "repo", "tag"],
  ["test:5000/repo", "test:5000", "repo"],
  ["test:5000/repo:tag", "test:5000", "repo", "tag"],
  [`test:5000/repo@sha256:${F64}`, "test:5000", "repo", undefined, `sha256:${F64}`],
  [`test:5000/repo:tag@sha256:${F64}`, "test:5000", "repo", "tag", `sha256:${F64}`],
  ["lowercase:Uppercase", "docker.io", "library/lowercase", "Uppercase"],
  ["sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com", "bar/baz/quux", "some-long-tag"],
  [
    "b.gcr.io/test.example.com/my-app:test.example.com",
    "b.gcr.io",
    "test.example.com/my-app",
    "test.example.com",
  ],
  ["xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com"],
  [`xn--7o8h.com/myimage:t@sha512:${F128}`, "xn--7o8h.com", "myimage", "t", `sha512:${F128}`],
  ["foo_bar.com:8080", "docker.io", "library/foo_bar.com", "8080"],
  ["foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", "8080"],
  ["192.168.1.1:5000", "docker.io", "library/192.168.1.1", "5000"],
  ["192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050"],
  ["[2001:db8::1]/repo", "[2001:db8::1]", "repo"],
  ["[2001:db8::1]:5000/repo:tag", "[2001:db8::1]:5000", "repo", "tag"],
  ["[::1]:5000/repo", "[::1]:5000", "repo"],
  ["docker/docker", "docker.io", "docker/docker"],
  ["docker.io/debian", "docker.io", "library/debian"],
  ["index.docker.io/debian", "docker.io", "library/debian"],
  ["index.docker.io/library/debian", "docker.io", "library/debian"],
  ["127.0.0.1:5000/library/debian", "127.0.0.1:5000", "library/debian"],
  [`docker.io/${HEX64}`, "docker.io", `library/${HEX64}`],
  [HEX64.slice(1), "docker.io", `library/${HEX64.slice(1)}`],
  ["Docker/docker", "Docker", "docker"],
  ["DOCKER/docker", "DOCKER", "docker"],
  ["localhost/app", "localhost", "app"],
  ["docker---rules/docker", "docker.io", "docker---rules/docker"],
  ["dock__er/docker", "docker.io", "dock__er/docker"],
  ["d/docker", "docker.io", "d/docker"],
  ["docker.io/library/foo/bar", "docker.io", "library/foo/bar"],
  // The longest that pass: name of 255 characters, tag of 128.
  [
    `r.io/${LONGEST_REPOSITORY}:${LONGEST_TAG}@sha512:${F128}`,
    "r.io",
    LONGEST_REPOSITORY,
    LONGEST_TAG,
    `sha512:${F128}`,
  ],
  [`r.io/${"a".repeat(250)}`, "r.io", "a".repeat(250)],
  [`a:${"t".repeat(128)}`, "docker.io", "library/a", "t".repeat(128)],
];

test.each(
  VALID.map(([text, registry, repository, tag, digest]) => ({ text, registry, repository, tag, digest })),
)("$text", ({ text, ...parts }) => {
  expect(parseImageReference(text)).toEqual(parts);
});

test.each([
  "",
  ":justtag",
  `@sha256:${F64}`,
  "repo@sha256:ffffffffffffffffffffffffffffffffff",
  `validname@invaliddigest:${F64}`,
  `repo@sha256:${F64.toUpperCase()}`,
  "Uppercase:tag",
  "test:5000/Uppercase/lowercase:tag",
  "aa/asdf$$^/aa",
  "[2001:db8::1]",
  "[2001:db8::1]:5000",
  "[2001:db8::1]:tag",
  "[fe80::1%eth0]:5000/repo",
  "https://github.com/docker/docker",
  "docker/Docker",
  "-docker",
  "-docker.io/docker/docker",
  "docker///docker",
  "fc00::1:5000/debian",
  "[2001:db8:3:4::192.0.2.33]:5000/debian",
  HEX64,
  "docker-/docker",
  "____/____",
  "_docker/_docker",
  "dock..er/docker",
  "dock_.er/docker",
  "dock-.er/docker",
  "docker/",
  "busybox:-foo",
  "busybox@foo",
  "busybox:",
  "busybox@",
  "a:b:c",
  "bad image!!",
  "nginx\n",
  `r.io/${"a".repeat(251)}`,
  `a:${"t".repeat(129)}`,
  "a".repeat(100_000),
])("%j is no reference", (text) => {
  expect(parseImageReference(text)).toBeUndefined();
});

test.each([
  ["nginx", "docker.io/library/nginx:latest"],
  ["docker.io/nginx:latest", "docker.io/library/nginx:latest"],
  [`busybox:1@sha256:${F64}`, `docker.io/library/busybox:1@sha256:${F64}`],
  [`r.io/busybox@sha256:${F64}`, `r.io/busybox@sha256:${F64}`],
])("%s is %s to the runtime", (text, canonical) => {
  const reference = parseImageReference(text);
  expect(reference === undefined ? undefined : canonicalImage(reference)).toBe(canonical);
});
