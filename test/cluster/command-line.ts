/** What `npm run test:cluster -- ...` was asked to do. */
export type Command =
  | { readonly kind: "run"; readonly keep: boolean; readonly image: boolean; readonly tests: TestSelection }
  | { readonly kind: "prepare" }
  | { readonly kind: "up"; readonly image: boolean }
  | { readonly kind: "use"; readonly file: string; readonly image: boolean; readonly tests: TestSelection }
  | { readonly kind: "down"; readonly file: string }
  | { readonly kind: "help" }
  | { readonly kind: "error"; readonly message: string };

/** Which tests run: files whose path contains a pattern, tests whose name matches; all, when both are empty. */
export interface TestSelection {
  readonly patterns: readonly string[];
  readonly name: string | undefined;
  /** `1/2` is the first half of the files. */
  readonly shard: string | undefined;
}

export const usage = `npm run test:cluster [-- OPTIONS [PATTERN...]]
  Starts a real Kubernetes, runs the test files whose path contains a PATTERN (all, without any), ends it again.
  --prepare      only fetch and build the programs that a run needs
  --keep         leave the cluster running afterwards
  --up           only start a cluster and leave it running
  --use FILE     run against the running cluster that FILE (its cluster.json) describes
  --down FILE    end that cluster
  --no-image     do not build and import the nodelatch image
  --shard I/N    only the Ith of N parts of the files
  -t NAME        only tests whose name matches; the others count as skipped`;

/** Reads the words after \`--\`. */
export function parseCommandLine(words: readonly string[]): Command {
  const patterns: string[] = [];
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (["--use", "--down", "--shard", "-t"].includes(word)) {
      const value = words[(index += 1)];
      if (value === undefined) return { kind: "error", message: `${word}: expected a value after it` };
      values.set(word, value);
    } else if (["--prepare", "--keep", "--up", "--no-image", "--help"].includes(word)) flags.add(word);
    else if (word.startsWith("-")) return { kind: "error", message: `${word}: unknown option` };
    else patterns.push(word);
  }
  const shard = values.get("--shard");
  if (shard !== undefined && !isShard(shard)) {
    return { kind: "error", message: `--shard ${shard}: expected a part such as 1/2` };
  }
  return commandOf(values, flags, { patterns, name: values.get("-t"), shard });
}

function isShard(text: string): boolean {
  const [, index = "", count = ""] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(text) ?? [];
  return index !== "" && Number(index) <= Number(count);
}

function commandOf(
  values: ReadonlyMap<string, string>,
  flags: ReadonlySet<string>,
  tests: TestSelection,
): Command {
  if (flags.has("--help")) return { kind: "help" };
  const used = values.get("--use");
  const ended = values.get("--down");
  const named = ["--prepare", "--keep", "--up"].filter((flag) => flags.has(flag));
  const modes = [
    ...named,
    ...(used === undefined ? [] : ["--use"]),
    ...(ended === undefined ? [] : ["--down"]),
  ];
  if (modes.length > 1)
    return { kind: "error", message: `${modes.join(" and ")}: expected at most one of them` };
  if (flags.has("--prepare")) return { kind: "prepare" };
  const image = !flags.has("--no-image");
  if (flags.has("--up")) return { kind: "up", image };
  if (ended !== undefined) return { kind: "down", file: ended };
  if (used !== undefined) return { kind: "use", file: used, image, tests };
  return { kind: "run", keep: flags.has("--keep"), image, tests };
}
