/** The programs of one bench and their folder: started one by one, ended together. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Argv } from "../../test/cluster/process/run.ts";
import { startProgram, type Program } from "./program.ts";

export interface Running {
  /** Everything of the run lies here; removed at the end. */
  readonly folder: string;
  /** Its output goes to NAME.log in the folder. */
  start(name: string, argv: Argv): Promise<Program>;
  /** Settles as `work` does, unless one of the programs ends by itself before. */
  during<T>(work: Promise<T>): Promise<T>;
}

/** Runs `work`, then ends every program it has started and removes the folder, whatever came of it. */
export async function withPrograms<T>(work: (running: Running) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-bench-"));
  const programs: Program[] = [];
  try {
    return await work({
      folder,
      async start(name, argv) {
        const program = await startProgram({ name, argv, logFile: join(folder, `${name}.log`) });
        programs.push(program);
        return program;
      },
      during: (work) => Promise.race([work, ...programs.map(async (program) => program.during(work))]),
    });
  } finally {
    // Callers before callees would leave errors in nobody's way: all at once.
    await Promise.allSettled(programs.map(async (program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}
