import { afterEach, expect, test, vi } from "vitest";
import { connectInCluster } from "../kube/connect.ts";
import { ApiServer } from "../kube/testing/api-server.ts";
import { makeWorld } from "./world.ts";

const HOUR_MILLIS = 3_600_000;
const { signal } = new AbortController();
afterEach(() => vi.restoreAllMocks());

/** As NTP does with a clock that was wrong; the Dates of the API server's answers don't come from here. */
function stepWallClock(millis: number): void {
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + millis);
}

test.each([HOUR_MILLIS, -HOUR_MILLIS])(
  "a wall clock that steps by %i ms moves the API server's clock neither before its next answer nor after it",
  async (step) => {
    const began = Date.now();
    const server = await new ApiServer(() => ({ status: 200, json: {} })).listen();
    const kube = await server.connect(undefined, connectInCluster);
    try {
      const ask = { doing: "ask", method: "GET", path: "/version", signal } as const;
      const { clock } = makeWorld(() => kube.clockOffsetMillis());
      await kube.request(ask);
      stepWallClock(step);
      expect(Math.abs(clock.wallMillis() - began)).toBeLessThan(60_000);
      await kube.request(ask);
      expect(Math.abs(clock.wallMillis() - began)).toBeLessThan(60_000);
    } finally {
      await kube.close();
      await server.close();
    }
  },
);
