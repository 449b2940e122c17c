/** As much of org.freedesktop.systemd1 as logind asks of it; it starts nothing and writes down what it should have. */
import { Variant, type MessageBus } from "dbus-native";

export interface StartedUnit {
  readonly unit: string;
  /** `performance.now()` when logind asked. */
  readonly atMillis: number;
}

export interface FakeSystemd {
  readonly started: readonly StartedUnit[];
  /** What SystemState says from now on. */
  setState(state: string): void;
  /** Ends the last job as cancelled, as `systemctl cancel` does: logind takes its announcement back. */
  cancelJob(): void;
}

const PATH = "/org/freedesktop/systemd1";
const MANAGER = "org.freedesktop.systemd1.Manager";

export async function startSystemd(bus: MessageBus): Promise<FakeSystemd> {
  const started: StartedUnit[] = [];
  let state = "running";
  const on = (iface: string, member: string, answer: (...args: unknown[]) => unknown, out: string): void =>
    bus.setMethodCallHandler(PATH, iface, member, [answer, out]);
  on(MANAGER, "Subscribe", () => undefined, "");
  on(
    MANAGER,
    "StartUnit",
    (unit) => {
      started.push({ unit: String(unit), atMillis: performance.now() });
      return jobPath(started.length);
    },
    "o",
  );
  on("org.freedesktop.DBus.Properties", "Get", () => new Variant("s", state), "v");
  await bus.requestName("org.freedesktop.systemd1", 0);
  return {
    started,
    setState(next) {
      state = next;
    },
    cancelJob() {
      const job = started.length;
      const unit = started.at(-1)?.unit;
      if (unit === undefined) throw new Error("logind started no job yet");
      bus.sendSignal(PATH, MANAGER, "JobRemoved", "uoss", [job, jobPath(job), unit, "canceled"]);
    },
  };
}

function jobPath(job: number): string {
  return `${PATH}/job/${job}`;
}
