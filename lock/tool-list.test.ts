import { expect, test } from "vitest";
import { parseToolList, writeToolList } from "./tool-list.ts";
import type { Tool } from "./tool.ts";

const kured: Tool = {
  name: "kured",
  username: "system:serviceaccount:kube-system:kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "uncordon" },
  ttlMillis: undefined,
  perNode: true,
};
const marker: Tool = {
  name: "marker",
  username: "bob",
  lockOn: { kind: "annotation-added", key: "example.com/a" },
  releaseOn: { kind: "annotation-removed", key: "example.com/b" },
  ttlMillis: 5_400_000,
  perNode: false,
};
const entry = {
  name: "a",
  username: "bob",
  lockOn: "cordon",
  releaseOn: "reboot",
  perNode: true,
};

test("what is written is read again", () => {
  for (const tools of [[], [kured], [kured, marker]]) {
    expect(parseToolList(writeToolList(tools))).toEqual({ ok: true, tools });
  }
});

test("is written as Helm does: fields by name, no spaces", () => {
  expect(writeToolList([marker])).toBe(
    '[{"lockOn":{"annotationAdded":"example.com/a"},"name":"marker","perNode":false,' +
      '"releaseOn":{"annotationRemoved":"example.com/b"},"ttl":"1h30m","username":"bob"}]',
  );
});

test.each<[string, unknown, string]>([
  ["no list", {}, "expected a JSON list of tools"],
  ["no object", ["kured"], "[0]: expected an object with name, username"],
  ["a preset, which only the chart knows", [{ preset: "kured" }], "[0].preset: no such field"],
  ["no name", [{ ...entry, name: undefined }], "[0].name: expected a-z"],
  ["a name that is none", [{ ...entry, name: "A b" }], "[0].name: expected a-z"],
  ["a user with a quote", [{ ...entry, username: "a'b" }], "[0].username: expected a user name"],
  ["a user with a comma", [{ ...entry, username: "a,b" }], "[0].username: expected a user name"],
  ["no user", [{ ...entry, username: "" }], "[0].username: expected a user name"],
  ["an unknown lockOn", [{ ...entry, lockOn: "drain" }], '[0].lockOn: expected "cordon"'],
  ["a key that is none", [{ ...entry, lockOn: { annotationAdded: "a'b" } }], '[0].lockOn: expected "cordon"'],
  [
    "a lockOn with more in it",
    [{ ...entry, lockOn: { annotationAdded: "a", b: 1 } }],
    '[0].lockOn: expected "cordon"',
  ],
  ["an unknown releaseOn", [{ ...entry, releaseOn: "explicit" }], '[0].releaseOn: expected "uncordon"'],
  ["perNode as text", [{ ...entry, perNode: "true" }], "[0].perNode: expected true or false"],
  ["a ttl without a unit", [{ ...entry, ttl: "90" }], "[0].ttl: expected a duration"],
  ["a ttl as a number", [{ ...entry, ttl: 90 }], "[0].ttl: expected a duration"],
  ["one user twice", [entry, { ...entry, name: "b" }], 'username "bob" is given twice'],
  ["one name twice", [entry, { ...entry, username: "eve" }], 'name "a" is given twice'],
])("%s is refused, with its place", (_what, list, words) => {
  const read = parseToolList(JSON.stringify(list));
  expect(read.ok ? "" : read.problem).toContain(words);
});

test.each(["", "kured", "[", "null"])("%j is no list", (text) => {
  expect(parseToolList(text)).toEqual({ ok: false, problem: "expected a JSON list of tools" });
});

test("everything that is wrong is named at once", () => {
  const read = parseToolList(
    JSON.stringify([
      { ...entry, perNode: 1 },
      { ...entry, name: "-" },
    ]),
  );
  expect(read.ok ? [] : read.problem.split("; ")).toHaveLength(3);
});
