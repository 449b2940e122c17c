/**
 * A real dbus-daemon and a real systemd-logind in a mount namespace of their own, with a fake systemd that only takes
 * notes: the whole way of a shutdown but its end. Nothing of the machine is touched; all ends with this process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type MessageBus } from "dbus-native";
import { createComponent, type Component } from "../../cluster/process/component.ts";
import { dieWithUs } from "../../cluster/process/die-with-us.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { startSystemd, type FakeSystemd } from "./fake-systemd.ts";

export interface LoginMachine {
  readonly busAddress: string;
  /** The lock's command, as on a real node: the host's own systemd-inhibit, in the host's own file system. */
  readonly lockCommand: readonly string[];
  readonly bus: Component;
  readonly logind: Component;
  systemd(): FakeSystemd;
  /** logind's own log so far. */
  logindLog(): Promise<string>;
  /** Asks logind to power the node off, as `systemctl poweroff` does. */
  powerOff(): Promise<void>;
  /** Kills and restarts the bus; logind goes down with it and is started again, as systemd would. */
  restartBus(): Promise<void>;
  restartLogind(): Promise<void>;
  /** The same, and logind forgets every lock: as when /run/systemd is emptied. */
  forgetLocks(): Promise<void>;
  /** A client of its own on the bus; ended with the machine. */
  client(): MessageBus;
  stop(): Promise<void>;
}

const LOGIND_PROGRAM = "/lib/systemd/systemd-logind";

const busConfig = (
  limits: string,
): string => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
  ${limits}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
`;

export interface LoginMachineOptions {
  /** Whether logind shall run from the beginning, which is the default; the bus does, unless `nothing`. */
  readonly start?: "all" | "bus" | "nothing";
  /** `<limit>` elements for the bus. */
  readonly busLimits?: string;
  /** For how long logind delays a shutdown. Defaults to 5, which is logind's own. */
  readonly delayMaxSeconds?: number;
}

/** @throws Error naming the Debian package that is missing. */
export async function startLoginMachine({
  start = "all",
  busLimits = "",
  delayMaxSeconds,
}: LoginMachineOptions = {}): Promise<LoginMachine> {
  if (!existsSync(LOGIND_PROGRAM))
    throw new Error(`${LOGIND_PROGRAM} is missing: apt-get install systemd dbus`);
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-login-"));
  const run = join(folder, "run");
  await mkdir(join(run, "dbus"), { recursive: true });
  await mkdir(join(run, "systemd"));
  await writeFile(join(folder, "bus.conf"), busConfig(busLimits));
  if (delayMaxSeconds !== undefined) {
    await mkdir(join(run, "systemd", "logind.conf.d"));
    const conf = `[Login]\nInhibitDelayMaxSec=${delayMaxSeconds}\n`;
    await writeFile(join(run, "systemd", "logind.conf.d", "delay.conf"), conf);
  }
  const holder = await holdNamespace(run);
  const namespace = `/proc/${holder.pid}/ns/mnt`;
  const clients: MessageBus[] = [];
  const busAddress = `unix:path=${join(run, "dbus", "system_bus_socket")}`;
  let systemd: FakeSystemd | undefined;

  function component(name: string, argv: readonly string[]): Component {
    return createComponent({
      name,
      argv: dieWithUs(["nsenter", `--mount=${namespace}`, "--", ...argv]),
      logFile: join(folder, `${name}.log`),
      restartAfterMillis: 100,
      env: { SYSTEMD_LOG_LEVEL: "info", SYSTEMD_LOG_TARGET: "console" },
    });
  }
  const bus = component("dbus-daemon", [
    "dbus-daemon",
    `--config-file=${join(folder, "bus.conf")}`,
    "--nofork",
    "--nopidfile",
  ]);
  const logind = component("logind", [LOGIND_PROGRAM]);

  function client(): MessageBus {
    const made = createClient({
      busAddress,
      authMethods: ["EXTERNAL"],
      plainValues: true,
      returnBigInt: true,
    });
    made.connection.on("error", () => {});
    clients.push(made);
    return made;
  }
  async function busAnswers(): Promise<void> {
    await waitFor("the bus", async () => probe(async () => client().invokeDbus({ member: "GetId" })), quick);
  }
  async function logindAnswers(): Promise<void> {
    const asker = client();
    await waitFor(
      "logind",
      async () =>
        probe(async () => {
          const owned: unknown = await asker.invokeDbus({
            member: "NameHasOwner",
            signature: "s",
            body: ["org.freedesktop.login1"],
          });
          if (owned !== true) throw new Error("not on the bus");
        }),
      quick,
    );
  }

  const machine: LoginMachine = {
    busAddress,
    lockCommand: ["chroot", `/proc/${holder.pid}/root`, "systemd-inhibit"],
    bus,
    logind,
    client,
    systemd() {
      if (systemd === undefined) throw new Error("there is no bus");
      return systemd;
    },
    logindLog: async () => readFile(join(folder, "logind.log"), "utf8").catch(() => ""),
    async powerOff() {
      await client().invoke(
        {
          destination: "org.freedesktop.login1",
          path: "/org/freedesktop/login1",
          interface: "org.freedesktop.login1.Manager",
          member: "PowerOff",
          signature: "b",
          body: [false],
        },
        { timeout: 5_000 },
      );
    },
    async restartBus() {
      await logind.kill();
      systemd?.stop();
      await bus.kill();
      bus.start();
      await busAnswers();
      systemd = await startSystemd(busAddress);
      logind.start();
      await logindAnswers();
    },
    async restartLogind() {
      await logind.kill();
      logind.start();
      await logindAnswers();
    },
    async forgetLocks() {
      await logind.kill();
      await rm(join(run, "systemd", "inhibit"), { recursive: true, force: true });
      logind.start();
      await logindAnswers();
    },
    async stop() {
      systemd?.stop();
      for (const made of clients) made.connection.stream.destroy();
      await logind.kill();
      await bus.kill();
      holder.kill("SIGKILL");
      await once(holder, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (start !== "nothing") {
    bus.start();
    await busAnswers();
    systemd = await startSystemd(busAddress);
  }
  if (start === "all") {
    logind.start();
    await logindAnswers();
  }
  return machine;
}

const quick = { deadlineMillis: 60_000, intervalMillis: 50 };

async function probe(
  act: () => PromiseLike<unknown>,
): Promise<{ readonly done: true; readonly value: undefined }> {
  await act();
  return { done: true, value: undefined };
}

/** A process in a new mount namespace where `run` is /run. */
async function holdNamespace(run: string): Promise<ChildProcess> {
  const script = 'mount --bind "$0" /run && echo ready && exec sleep infinity';
  const argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, run];
  const [program, ...args] = dieWithUs(argv);
  const holder = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const first: unknown[] = await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
  if (!Buffer.isBuffer(first[0])) throw new Error("no mount namespace of its own; the tests need root");
  return holder;
}
