/** Real logind, bus and systemd states: whether a SIGTERM means a shutdown. */
import { describe, expect, test } from "vitest";
import { guardOn, heldOn, machineWith, passOf, patientTime, until } from "./guarded-machine.ts";
import type { LoginMachine } from "./login-machine.ts";

describe("SIGTERM", () => {
  test.each(["running", "degraded", "starting"])(
    "in a rollout (systemd %s) cleans nothing",
    async (state) => {
      const machine = await machineWith();
      const { guard, passes } = guardOn(machine, passOf(100));
      await heldOn(machine, guard);
      machine.systemd().setState(state);
      expect(await guard.onTerm()).toMatchObject({ decision: { kind: "leave" }, pass: undefined });
      expect(passes.length).toBe(0);
    },
  );

  test("after logind's announcement cleans, and waits for a pass that runs", async () => {
    const machine = await machineWith();
    // Longer than a SIGTERM waits for answers, so that it still runs then.
    const { guard, passes } = guardOn(machine, passOf(3_000));
    await heldOn(machine, guard);
    await machine.powerOff();
    await until(
      "the pass",
      () => passes,
      () => passes.length === 1,
    );
    expect(await guard.onTerm()).toMatchObject({ decision: { kind: "clean" }, pass: { kind: "done" } });
    expect(passes.length).toBe(1);
    // kubelet may have made new containers since.
    await guard.onTerm();
    expect(passes.length).toBe(2);
  });

  test("in a process that missed the announcement cleans", async () => {
    const machine = await machineWith();
    await machine.powerOff();
    const { guard, passes } = guardOn(machine, passOf(10), patientTime);
    expect((await guard.onTerm()).decision.kind).toBe("clean");
    expect(passes.length).toBeGreaterThan(0);
  });

  test("while systemd stops the node cleans, whatever logind says", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(10), patientTime);
    await heldOn(machine, guard);
    machine.systemd().setState("stopping");
    expect((await guard.onTerm()).decision.kind).toBe("clean");
    expect(passes.length).toBe(1);
  });

  test.each([
    ["no bus", async (machine: LoginMachine) => machine.bus.kill()],
    ["a bus that hangs", async (machine: LoginMachine) => stopProcess(machine)],
    [
      "no logind and no systemd",
      async (machine: LoginMachine) => {
        await machine.logind.kill();
        await machine.bus.kill();
        machine.bus.start();
      },
    ],
  ])("with %s cleans nothing, and does not wait long to say so", async (_what, disturb) => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(10));
    await heldOn(machine, guard);
    await disturb(machine);
    const before = performance.now();
    expect((await guard.onTerm()).decision.kind).toBe("leave");
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(passes.length).toBe(0);
  });
});

async function stopProcess(machine: LoginMachine): Promise<void> {
  const state = machine.bus.state();
  if (state.kind === "running") process.kill(state.pid, "SIGSTOP");
}
