/** One node of the fleet: its machine, kured's pod on it, and the strangers that gather once a tool is about to reboot it. */
import { objectAt, textAt } from "../../kube/json.ts";
import { makeDice } from "../../program/testing/dice.ts";
import type { Books } from "./books.ts";
import type { ControllerTool } from "./controller-tool.ts";
import { AGENT_USER } from "./judge.ts";
import { KuredTool } from "./kured-tool.ts";
import { Machine } from "./machine.ts";
import { annoy } from "./strangers.ts";
import { KURED, type FleetTool } from "./tools.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Loss, Send, Sender, Wire } from "./wire.ts";

export interface FleetNodeParts {
  readonly time: VirtualTime;
  readonly wire: Wire;
  readonly books: Books;
  readonly controllers: ReadonlyMap<string, ControllerTool>;
  /** Another node's name. */
  readonly other: string;
  readonly seed: number;
}

/** What went wrong on purpose. */
export interface Mishaps {
  crashes: number;
  powerFailures: number;
}

/** Of a request; of any request of a process that it is killed within moments; of a reboot that the power fails meanwhile. */
const [LOSS, CRASH, POWER_FAILURE] = [0.01, 0.02, 0.2];

export class FleetNode {
  readonly machine: Machine;
  readonly mishaps: Mishaps = { crashes: 0, powerFailures: 0 };
  readonly #parts: FleetNodeParts;
  readonly #dice: () => number;
  readonly #kured: KuredTool;
  /** Users of the tools that are not through with it. */
  readonly #busy = new Set<string>();
  #peace = new AbortController();

  /** @param raw the Node as it was created. */
  constructor(raw: unknown, parts: FleetNodeParts) {
    const { time, books, seed } = parts;
    const metadata = objectAt(raw, "metadata");
    const name = textAt(metadata, "name") ?? "";
    const bootID = textAt(objectAt(objectAt(raw, "status"), "nodeInfo"), "bootID") ?? "";
    this.#parts = parts;
    this.#dice = makeDice(seed);
    const dice = this.#dice;
    const pod = (user: string) => ({ user, groups: ["node-writers"], node: name });
    const kubelet = { user: `system:node:${name}`, groups: ["system:nodes"] };
    this.machine = new Machine(name, textAt(metadata, "uid") ?? "", bootID, {
      time,
      dice,
      kubelet: this.#sendAs({ role: "kubelet", as: kubelet }, () => {}),
      agent: this.#sendAs({ role: "agent", as: pod(AGENT_USER) }, () => this.machine.startAgent()),
      onReboot: async (user) => books.rebooted(name, user),
      onBooted: () => {
        if (this.#busy.has(KURED.username)) this.#kured.start();
      },
    });
    this.#kured = new KuredTool({
      machine: this.machine,
      time,
      dice,
      send: this.#sendAs({ role: "tool", as: pod(KURED.username) }, () => this.#kured.start()),
      onIdle: () => this.#through(KURED.username),
    });
  }

  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  /** A tool learns that it has to reboot this node. */
  tell({ username }: FleetTool): void {
    const { machine } = this;
    if (this.#busy.has(username)) return;
    if (!this.isBusy) this.#disturb();
    this.#busy.add(username);
    machine.wantedBy.add(username);
    if (this.#dice() < POWER_FAILURE) this.#parts.time.after(this.#dice() * 200_000, () => this.#failPower());
    const controller = this.#parts.controllers.get(username);
    if (controller === undefined) {
      this.#kured.start();
      return;
    }
    // Its pod is on some node or other; that it moves must not keep it from releasing.
    const as = {
      user: username,
      groups: ["node-writers"],
      node: this.#dice() < 0.5 ? machine.name : this.#parts.other,
    };
    const send = this.#sendAs({ role: "tool", as }, () => controller.crash());
    controller.take({ machine, dice: this.#dice, send, onDone: () => this.#through(username) });
  }

  #through(username: string): void {
    this.#busy.delete(username);
    if (!this.isBusy) this.#peace.abort();
  }

  #disturb(): void {
    this.#peace = new AbortController();
    const { time, other, books } = this.#parts;
    const { machine } = this;
    const sendAs = (sender: Sender): Send => this.#sendAs(sender, () => {});
    const lock = (): string | undefined => books.stored(machine.name).lock;
    void annoy({ machine, other, time, dice: this.#dice, sendAs, lock }, this.#peace.signal);
  }

  /**
   * Only while the kubelet's word is good and there is a lock: one that is taken between a boot and its report would carry
   * the boot before, which the agent tells by clocks that here are not the fleet's.
   */
  #failPower(): void {
    const { lock, bootID } = this.#parts.books.stored(this.machine.name);
    if (lock === undefined || bootID !== this.machine.bootID) return;
    this.mishaps.powerFailures += 1;
    this.machine.cutPower();
  }

  #sendAs(sender: Sender, crash: () => void): Send {
    const dice = this.#dice;
    const loss = (): Loss => {
      if (sender.role !== "stranger" && sender.role !== "kubelet" && dice() < CRASH) {
        this.#parts.time.after(dice() * 200, () => {
          this.mishaps.crashes += 1;
          crash();
        });
      }
      const cast = dice();
      if (cast < LOSS) return "request";
      return cast < 2 * LOSS ? "answer" : "none";
    };
    return this.#parts.wire.for(sender, dice, loss);
  }
}
