/** As much of org.freedesktop.systemd1 as logind asks of it; it starts nothing and writes down what it should have. */
import { createConnection, Variant, type Message } from "dbus-native";

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
  stop(): void;
}

const PATH = "/org/freedesktop/systemd1";
const MANAGER = "org.freedesktop.systemd1.Manager";

/** Speaks on a bare connection: the library's own objects would answer for the properties. */
export async function startSystemd(busAddress: string): Promise<FakeSystemd> {
  const started: StartedUnit[] = [];
  let state = "running";
  let serial = 0;
  const connection = createConnection({ busAddress, authMethods: ["EXTERNAL"] });
  const named = Promise.withResolvers<void>();
  const send = (message: Message): void => void connection.message({ ...message, serial: (serial += 1) });
  function callBus(member: string, more: Message = {}): void {
    const bus = "org.freedesktop.DBus";
    send({ type: 1, destination: bus, path: "/org/freedesktop/DBus", interface: bus, member, ...more });
  }
  function answer({ sender, serial: replySerial }: Message, signature: string, value: unknown): void {
    if (sender === undefined || replySerial === undefined) return;
    const body = signature === "" ? {} : { signature, body: [value] };
    send({ type: 2, destination: sender, replySerial, ...body });
  }
  connection.on("error", (error) => named.reject(error));
  connection.on("message", (message) => {
    if (message.type === 2 && message.replySerial === 2) named.resolve();
    if (message.type !== 1) return;
    switch (message.member ?? "") {
      case "StartUnit":
        started.push({ unit: String(message.body?.[0]), atMillis: performance.now() });
        answer(message, "o", jobPath(started.length));
        break;
      case "LoadUnit":
        answer(message, "o", `${PATH}/unit/some_2etarget`);
        break;
      case "Get":
        answer(message, "v", new Variant("s", message.body?.[1] === "SystemState" ? state : "loaded"));
        break;
      default:
        answer(message, "", undefined);
    }
  });
  callBus("Hello");
  callBus("RequestName", { signature: "su", body: ["org.freedesktop.systemd1", 0] });
  await named.promise;
  return {
    started,
    setState(next) {
      state = next;
    },
    cancelJob() {
      const job = started.length;
      const unit = started.at(-1)?.unit;
      if (unit === undefined) throw new Error("logind started no job yet");
      send({
        type: 4,
        path: PATH,
        interface: MANAGER,
        member: "JobRemoved",
        signature: "uoss",
        body: [job, jobPath(job), unit, "canceled"],
      });
    },
    stop: () => void connection.stream.destroy(),
  };
}

function jobPath(job: number): string {
  return `${PATH}/job/${job}`;
}
