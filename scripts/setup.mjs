// Installs the project's dependencies when they are missing or older than package-lock.json.
// Plain JavaScript on purpose: it runs on the machine's own Node (>= 20), before Node 24 is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stamp = join(root, "node_modules", ".nodelatch-setup");

if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) process.exit(0);

console.log("setup: installing dependencies with npm ci (needs the npm registry, about half a minute) ...");
// npm sets npm_execpath for scripts; running it with this Node also works where npm is no executable file.
const npmCli = process.env["npm_execpath"];
const [command, args] = npmCli === undefined ? ["npm", ["ci"]] : [process.execPath, [npmCli, "ci"]];
const started = Date.now();
const done = spawnSync(command, [...args, "--no-fund", "--no-audit", "--loglevel=error"], {
  cwd: root,
  stdio: "inherit",
});
if (done.status !== 0) {
  console.error(`setup: npm ci ended with ${done.status ?? done.signal}; its messages are above`);
  process.exit(1);
}
const node24 = join(root, "node_modules", ".bin", "node");
const version = spawnSync(node24, ["--version"], { encoding: "utf8" });
if (version.status !== 0 || !version.stdout.startsWith("v24.")) {
  console.error(
    `setup: ${node24} should be Node 24 but answered ${JSON.stringify(version.stdout ?? version.error?.message)}; ` +
      "was npm told to ignore install scripts? Run: npm ci --ignore-scripts=false",
  );
  process.exit(1);
}
writeFileSync(stamp, lock);
console.log(`setup: done in ${Math.round((Date.now() - started) / 1000)} s, Node ${version.stdout.trim()}`);
