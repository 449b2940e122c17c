/**
 * Jobs in the text of a manifest, read as kubectl reads it: several documents, lists, YAML 1.1 (`yes` is true, 010 is 8).
 * Whole numbers come as bigint, so not a digit is lost. Total over any text.
 */
import { isNode, LineCounter, parseAllDocuments, type Document, type ParsedNode } from "yaml";
import { fieldsOf, listOf, textOf } from "./job.ts";

export type Manifest =
  | {
      readonly kind: "job";
      readonly name: string;
      readonly version: "v1alpha1" | "v1alpha2";
      /** Numbers may be bigint. */
      readonly spec: unknown;
      /** Line, from 1, of a path such as `spec.imagePrePullTemplate.images[0]`, or of what of it is there. */
      readonly lineOf: (path: string) => number;
    }
  | { readonly kind: "other"; readonly line: number; readonly what: string }
  | { readonly kind: "broken"; readonly line: number; readonly problem: string };

const GROUP = "operations.kubeedge.io/";

export function readManifests(text: string): readonly Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: "1.1",
    intAsBigInt: true,
    lineCounter: lines,
    logLevel: "silent",
    merge: true,
    // kubectl's parser (go-yaml 2) knows neither 1:30 as a number nor dates where a text is wanted.
    customTags: (tags) =>
      tags.filter((tag) => {
        if (typeof tag === "string") return tag !== "timestamp";
        return tag.format !== "TIME" && tag.tag !== "tag:yaml.org,2002:timestamp";
      }),
  });
  // An empty text has no document at all, and the library then gives an object of another kind.
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => readDocument(document, (offset) => lines.linePos(offset).line));
}

function readDocument(document: Document.Parsed, lineAt: (offset: number) => number): readonly Manifest[] {
  const [error] = document.errors;
  if (error !== undefined) {
    const [problem = ""] = error.message.split("\n");
    return [{ kind: "broken", line: lineAt(error.pos[0]), problem }];
  }
  const start = document.contents?.range[0] ?? document.range[0];
  let value: unknown;
  try {
    value = document.toJS();
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return [{ kind: "broken", line: lineAt(start), problem }];
  }
  if (value === null || value === undefined) return [];
  const items = fieldsOf(value)["items"];
  if (textOf(fieldsOf(value)["kind"]).endsWith("List") && Array.isArray(items)) {
    return listOf(items).map((item, at) => readObject(item, document, lineAt, ["items", at]));
  }
  return [readObject(value, document, lineAt, [])];
}

function readObject(
  value: unknown,
  document: Document.Parsed,
  lineAt: (offset: number) => number,
  root: readonly (string | number)[],
): Manifest {
  const { apiVersion, kind, metadata, spec } = fieldsOf(value);
  const lineOf = (path: string): number => lineAt(offsetOf(document, [...root, ...stepsOf(path)]));
  const version = textOf(apiVersion).slice(GROUP.length);
  const isJob = textOf(apiVersion).startsWith(GROUP) && kind === "ImagePrePullJob";
  if (!isJob)
    return { kind: "other", line: lineOf(""), what: `${textOf(apiVersion)} ${textOf(kind)}`.trim() };
  if (version !== "v1alpha1" && version !== "v1alpha2") {
    const problem = `apiVersion ${JSON.stringify(apiVersion)}: expected ${GROUP}v1alpha2`;
    return { kind: "broken", line: lineOf("apiVersion"), problem };
  }
  const { name, generateName } = fieldsOf(metadata);
  return { kind: "job", name: textOf(name) || textOf(generateName), version, spec, lineOf };
}

function stepsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key = ""]) =>
    index === undefined ? key : Number(index),
  );
}

/** Of the deepest part of the path that is there. */
function offsetOf(document: Document.Parsed, steps: readonly (string | number)[]): number {
  for (let length = steps.length; length > 0; length -= 1) {
    const found: unknown = document.getIn(steps.slice(0, length), true);
    if (isNode(found) && hasRange(found)) return found.range[0];
  }
  return document.contents?.range[0] ?? document.range[0];
}

function hasRange(node: object): node is ParsedNode {
  return "range" in node && Array.isArray(node.range);
}
