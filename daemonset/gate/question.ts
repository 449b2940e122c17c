/**
 * What `/run/nodelatch/verify` asks and what it is told: small files in a folder of root's. Regular files, because
 * opening a FIFO can hang and a shell can't open a socket; a name of its own for each question, so that askers never
 * meet; and the last line of each file says that it is whole.
 */
import { oneLine } from "../../lock/request.ts";
import { shorten } from "../../lock/shorten.ts";
import { parseBootID } from "../host/boot/boot-id.ts";

/** Changes when an agent and a script of another version would misread each other. */
export const PROTOCOL = "nodelatch-gate-1";

export interface Question {
  /** A UUID of the kernel's, new for each question: an answer that holds it can't be older than the question. */
  readonly nonce: string;
  readonly bootID: string;
  /** Seconds since boot when it was asked. */
  readonly askedAt: number;
  /** How long the asker waits for what can still come true; 0 = not at all. */
  readonly waitSeconds: number;
  /** Whose lock it must be; undefined: anybody's. */
  readonly holder: string | undefined;
}

export interface Answer {
  readonly verdict: "open" | "closed" | "unknown";
  readonly words: string;
  /** Seconds since boot before the first look at what it says. */
  readonly lookedAt: number;
}

/** How long an asker waits for an answer, beyond what it asked to wait for. */
export const ANSWER_SECONDS = 10;
/** The script takes no longer `--wait` than an hour. */
export const MOST_WAIT_SECONDS = 3_600;

/** Stands for no holder. */
const ANYBODY = "-";
/** User names as ServiceAccounts, certificates and most identity providers have them; the script takes no others. */
const HOLDER = /^[A-Za-z0-9:._@/+=,#-]{1,253}$/;

const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.ask$/;

/** The nonce in a question's file name, or undefined for any other file. */
export function nonceOf(fileName: string): string | undefined {
  return NAME.exec(fileName)?.[1];
}

/** Undefined as long as the text is not a whole question of this nonce. */
export function parseQuestion(text: string, nonce: string): Question | undefined {
  const lines = text.split("\n");
  const [head = "", end, rest] = lines;
  if (end !== `end ${nonce}` || rest !== "" || lines.length !== 3) return undefined;
  const [protocol, said, bootID = "", askedAt = "", waitSeconds = "", holder = "", ...more] = head.split(" ");
  if (protocol !== PROTOCOL || said !== nonce || more.length > 0) return undefined;
  if (parseBootID(bootID) === undefined || !isCount(askedAt) || !isCount(waitSeconds)) return undefined;
  if (holder !== ANYBODY && !HOLDER.test(holder)) return undefined;
  return {
    nonce,
    bootID,
    askedAt: Number(askedAt),
    waitSeconds: Math.min(Number(waitSeconds), MOST_WAIT_SECONDS),
    holder: holder === ANYBODY ? undefined : holder,
  };
}

function isCount(text: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(text);
}

/** What the script reads: three lines, the last one again with the nonce. */
export function answerText({ nonce, bootID }: Question, { verdict, words, lookedAt }: Answer): string {
  return `${PROTOCOL} ${nonce} ${bootID} ${verdict} ${lookedAt}\n${shellLine(words)}\nend ${nonce}\n`;
}

/** One line that every `echo` prints as it is: some of them take backslashes for more. */
function shellLine(words: string): string {
  return shorten(oneLine(words).replaceAll("\\", "/"), 2_000);
}
