import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * By path, so that every run sees the cluster's history in the same order (vitest's own goes by past durations). A part
 * gets every Nth file: neighbours are of one kind and take about as long.
 */
class ByPath extends BaseSequencer {
  override async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { index, count } = this.ctx.config.shard ?? { index: 1, count: 1 };
    return (await this.sort(files)).filter((_, at) => at % count === index - 1);
  }

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  test: {
    root: join(import.meta.dirname, "..", ".."),
    include: ["test/cluster/**/*.cluster.ts"],
    allowOnly: false,
    // The default of 1 s is short where two processors are shared.
    expect: { poll: { timeout: 30_000 } },
    passWithNoTests: false,
    // All files share one cluster.
    fileParallelism: false,
    sequence: { sequencer: ByPath },
    // Bounds, not expectations: kubelet alone may take minutes for what it mostly does within seconds.
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
