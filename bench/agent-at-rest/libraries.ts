/** What each library costs: memory of a Node that has loaded its bundle and does nothing, less that of Node alone. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bundle } from "../../scripts/bundle.ts";
import type { Running } from "../process/running.ts";
import { memoryMebibytes, type Memory } from "../process/usage.ts";

export interface Library {
  /** As it is imported; "" for none. */
  readonly name: string;
  readonly isInAgent: boolean;
}

export interface LibraryShare extends Library {
  readonly memory: Memory;
}

export const LIBRARIES: readonly Library[] = [
  { name: "node:http", isInAgent: true },
  { name: "node:https", isInAgent: true },
  { name: "node:http2", isInAgent: true },
  { name: "@grpc/grpc-js", isInAgent: true },
  { name: "prom-client", isInAgent: true },
  { name: "pino", isInAgent: true },
  { name: "dbus-native", isInAgent: true },
  { name: "yaml", isInAgent: true },
  { name: "express", isInAgent: false },
  { name: "@kubernetes/client-node", isInAgent: false },
];

const NONE: Library = { name: "", isInAgent: true };
const SETTLE_MILLIS = 3_000;

export interface LibrarySetting {
  /** Of the project; node_modules is looked up here. */
  readonly root: string;
  /** Node's flags, the same for all. */
  readonly nodeFlags: readonly string[];
  readonly signal: AbortSignal;
}

/** One after the other. They overlap: most of what they load of Node's own modules is loaded once. */
export async function measureLibraries(
  running: Running,
  { root, nodeFlags, signal }: LibrarySetting,
): Promise<readonly LibraryShare[]> {
  const folder = join(running.folder, "libraries");
  await mkdir(folder);
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const all = [NONE, ...LIBRARIES];
  const programs = all.map(({ name }, index) => ({
    name: `library-${index}`,
    entry: `library-${index}.ts`,
    code: `${name === "" ? "" : `import * as library from "${name}";\nReflect.set(globalThis, "library", library);\n`}setInterval(() => {}, 1e9);\n`,
  }));
  for (const { entry, code } of programs) await writeFile(join(folder, entry), code);
  await bundle({ root: folder, outDir: join(folder, "out"), programs });
  const measured: LibraryShare[] = [];
  for (const [index, library] of all.entries()) {
    const name = `library-${index}`;
    const file = join(folder, "out", `${name}.mjs`);
    const program = await running.start(name, [process.execPath, ...nodeFlags, file]);
    await running.during(delay(SETTLE_MILLIS, undefined, { signal }));
    measured.push({ ...library, memory: await memoryMebibytes(program.pid) });
    await program.stop();
  }
  const [plain, ...others] = measured;
  if (plain === undefined) throw new Error("Node alone was not measured");
  return others.map(({ memory, ...library }) => ({
    ...library,
    memory: {
      resident: memory.resident - plain.memory.resident,
      anonymous: memory.anonymous - plain.memory.anonymous,
    },
  }));
}
