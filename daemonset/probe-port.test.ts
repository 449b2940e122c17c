import { expect, test } from "vitest";
import { makeLogLines } from "./host/testing/log-lines.ts";
import { VirtualTime } from "./host/testing/virtual-time.ts";
import { keepProbePort } from "./probe-port.ts";

test("a port that is taken is tried for, said once, served when it is free, and let go at the end", async () => {
  const time = new VirtualTime();
  const { log, lines } = makeLogLines();
  const stop = new AbortController();
  const seen = { taken: true, tries: 0, closed: 0 };
  const server = {
    listen: async () => {
      seen.tries += 1;
      if (seen.taken) throw new Error("listen EADDRINUSE");
      return { address: "::", family: "IPv6", port: 9478 };
    },
    close: () => void (seen.closed += 1),
  };
  const ended = keepProbePort({ server, port: 9478, host: undefined, time, log }, stop.signal);
  await time.pass(3_600_000);
  expect(seen.tries).toBeGreaterThan(60);
  expect(seen.tries).toBeLessThan(100);
  expect(lines.map(({ msg }) => msg)).toEqual(["probes and metrics are not served; retrying"]);
  seen.taken = false;
  await time.pass(60_000);
  const { tries } = seen;
  expect(lines.at(-1)?.msg).toBe("serving probes and metrics");
  await time.pass(600_000);
  expect(seen).toMatchObject({ tries, closed: 0 });
  stop.abort();
  await ended;
  expect(seen.closed).toBe(1);
});
