// Run where a machine's files are seen: edit-status.ts later|empty FILE. Changes what containerd remembers of a container
// while it is down: the date of its making an hour later, or everything lost.
import { readFileSync, writeFileSync } from "node:fs";

const hourNanos = 3_600_000_000_000n;
const [how, file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: edit-status.ts later|empty FILE");
const before = readFileSync(file, "utf8");
// 64-bit numbers do not survive JSON.parse.
const later = before.replace(
  /"CreatedAt":(\d+)/,
  (_, date: string) => `"CreatedAt":${BigInt(date) + hourNanos}`,
);
if (how === "later" && later === before) throw new Error(`${file}: expected CreatedAt in ${before}`);
writeFileSync(file, how === "empty" ? "" : later);
