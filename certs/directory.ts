/** A directory with `tls.crt`, `tls.key` and maybe `ca.crt`, as a mounted Secret or a hand-made one. */
import { watch } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { PairTexts } from "./pair.ts";

const QUIET_MILLIS = 100;

export interface PairDirectory {
  readonly path: string;
  /**
   * The files of one moment.
   * @throws Error naming the file, if tls.crt or tls.key can't be read.
   */
  read(): Promise<PairTexts>;
  /** Calls back soon after something changed. Only makes things quicker: it may miss changes. Gives a stop function. */
  watch(onChange: () => void): () => void;
}

export function makePairDirectory(path: string): PairDirectory {
  return {
    path,
    async read() {
      // The kubelet swaps all files of a Secret at once by renaming the link `..data`; reading through the link's
      // target gives files that belong together even if the swap happens in between.
      const generation = await readlink(join(path, "..data")).catch(() => "");
      const from = join(path, generation);
      const [certPem, keyPem, caPem] = await Promise.all([
        readText(join(from, "tls.crt")),
        readText(join(from, "tls.key")),
        readText(join(from, "ca.crt")).catch((thrown: unknown) => {
          if (isMissing(thrown)) return undefined;
          throw thrown;
        }),
      ]);
      return { certPem, keyPem, caPem: caPem?.trim() === "" ? undefined : caPem };
    },
    watch(onChange) {
      let timer: NodeJS.Timeout | undefined;
      const soon = (): void => {
        // Files come one after the other; the last one makes the pair whole.
        timer ??= setTimeout(() => {
          timer = undefined;
          onChange();
        }, QUIET_MILLIS).unref();
      };
      try {
        const watcher = watch(path, { persistent: false }, soon);
        // e.g. the directory is removed; polling goes on.
        watcher.on("error", () => watcher.close());
        return () => {
          watcher.close();
          clearTimeout(timer);
        };
      } catch {
        // No such directory yet, or no inotify watches left; polling goes on.
        return () => {};
      }
    },
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`read ${path}`, { cause });
  }
}

function isMissing(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
