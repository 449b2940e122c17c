/** A directory of the quarantine with files of one directory of the node: `<boot id>/<number>/{origin.json,files/}`. */
import { join } from "node:path";
import { codeOf } from "../../../host/reason.ts";
import { syncDirectory, type FileSystem } from "../file-system.ts";
import { moveOut } from "../transfer.ts";
import { readAtMost, replaceText, type Ownership } from "../whole-file.ts";
import { originText, parseOrigin, type Origin } from "./origin.ts";

export interface Drawer {
  readonly path: string;
  /** Undefined if its record is missing or damaged. */
  readonly origin: Origin | undefined;
  readonly number: number;
}

const MAX_BYTES = 16 * 1024;
/** Only root has business here. */
const MODE = 0o700;
const NUMBER = /^\d{6}$/;
const TAKEN = /~\d+$/;

export const filesOf = (drawer: Pick<Drawer, "path">): string => `${drawer.path}/files`;
export const originFileOf = (drawer: Pick<Drawer, "path">): string => join(drawer.path, "origin.json");
/** The name that a file of a drawer had. */
export const nameBefore = (name: string): string => name.replace(TAKEN, "");

/** Everything up to and with the record is on the disk before the first file can be moved in. @throws Error */
export function makeDrawer(
  files: FileSystem,
  root: string,
  boot: string,
  origin: Origin,
  self: Ownership,
): Drawer {
  const bootDirectory = join(root, boot);
  files.mkdirSync(bootDirectory, { recursive: true, mode: MODE });
  for (let number = 1 + Math.max(0, ...numbersIn(files, bootDirectory)); ; number++) {
    const drawer = { path: join(bootDirectory, String(number).padStart(6, "0")), origin, number };
    try {
      files.mkdirSync(drawer.path, { mode: MODE });
    } catch (error) {
      // Another program is at it as well: a person's `restore` beside the agent.
      if (codeOf(error) === "EEXIST") continue;
      throw error;
    }
    files.mkdirSync(filesOf(drawer), { mode: MODE });
    replaceText(files, originFileOf(drawer), originText(origin), self);
    syncDirectory(files, bootDirectory);
    syncDirectory(files, root);
    return drawer;
  }
}

/**
 * Moves a file in and gives where it is.
 * @param taken names in the drawer: whoever has made it knows them all, as others only take out of it. The new one is added.
 * @throws Error; then the file is where it was
 */
export function putIn(
  files: FileSystem,
  drawer: Drawer,
  taken: Set<string>,
  from: string,
  name: string,
): string {
  let free = name;
  for (let more = 1; taken.has(free); more++) free = `${name}~${more}`;
  const to = `${filesOf(drawer)}/${free}`;
  moveOut(files, from, to, `${drawer.path}/partial`);
  taken.add(free);
  return to;
}

/** All drawers, oldest first. Empty without a quarantine. @throws Error if one can't be read */
export function listDrawers(files: FileSystem, root: string): readonly Drawer[] {
  const drawers: Drawer[] = [];
  for (const boot of directoriesIn(files, root)) {
    for (const name of directoriesIn(files, join(root, boot))) {
      if (!NUMBER.test(name)) continue;
      const path = join(root, boot, name);
      drawers.push({ path, origin: readOrigin(files, path), number: Number(name) });
    }
  }
  return drawers.toSorted(
    (a, b) => (a.origin?.observedSeconds ?? 0) - (b.origin?.observedSeconds ?? 0) || a.number - b.number,
  );
}

/** Names of the files in it. @throws Error */
export function namesIn(files: FileSystem, drawer: Pick<Drawer, "path">): readonly string[] {
  return ifThere(() => files.readdirSync(filesOf(drawer))) ?? [];
}

function readOrigin(files: FileSystem, path: string): Origin | undefined {
  return ifThere(() => parseOrigin(readAtMost(files, originFileOf({ path }), MAX_BYTES).content.toString()));
}

function numbersIn(files: FileSystem, bootDirectory: string): readonly number[] {
  return files
    .readdirSync(bootDirectory)
    .filter((name) => NUMBER.test(name))
    .map(Number);
}

function directoriesIn(files: FileSystem, path: string): readonly string[] {
  const entries = ifThere(() => files.readdirSync(path, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Undefined for what went away, or never was. @throws Error for any other reason */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
