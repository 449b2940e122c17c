// Sees to it that `openssl` is there: the tests let it judge our certificates, as a stranger would.
// Nearly every system has it; as root on Debian it is installed where missing.
import { spawnSync } from "node:child_process";

const present = () => spawnSync("openssl", ["version"], { stdio: "ignore" }).status === 0;

if (!present()) {
  const apt =
    process.getuid?.() === 0 && spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (apt) {
    console.log("tests: installing openssl with apt-get ...");
    for (const step of [
      ["update", "-qq"],
      ["install", "-y", "-qq", "--no-install-recommends", "openssl"],
    ]) {
      spawnSync("apt-get", step, {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
        timeout: 300_000,
      });
    }
  }
  if (!present()) {
    console.error(
      "tests: openssl is missing; install it (Debian: apt-get install openssl; macOS: brew install openssl)",
    );
    process.exit(1);
  }
}
