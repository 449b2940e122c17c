/**
 * Image references by the grammar of the distribution project (reference/regexp.go, normalize.go), as containerd reads
 * them after KubeEdge. Written here: of the npm packages for it one has been silent since 2024, one needs a native
 * regular expression engine for 60 lines, and two split text without checking it. The test has the project's own cases.
 */

export interface ImageReference {
  /** `docker.io` where none is written. */
  readonly registry: string;
  /** With `library/` where Docker Hub adds it. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const HUB = "docker.io";
const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const REGISTRY = new RegExp(String.raw`^(?:${LABEL}(?:\.${LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$`);
const PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${PART}(?:/${PART})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
/** go-digest: these algorithms, lower-case hexadecimal, at full length. */
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;
/** An image ID is no name: ParseNormalizedNamed refuses it. */
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** Registry and repository together; containerd 1.6 counts both, newer ones the repository alone. */
const MAX_NAME_CHARACTERS = 255;
/** Name, `:` and a tag, `@` and the longest digest; keeps the expressions above cheap. */
const MAX_CHARACTERS = MAX_NAME_CHARACTERS + 1 + 128 + 1 + 7 + 128;

/** Undefined if it is no reference. Total over any text. */
export function parseImageReference(text: string): ImageReference | undefined {
  if (text.length > MAX_CHARACTERS || IDENTIFIER.test(text)) return undefined;
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;
  const [registry, rest] = splitRegistry(at < 0 ? text : text.slice(0, at));
  const colon = rest.indexOf(":");
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const repository = registry === HUB && !path.includes("/") ? `library/${path}` : path;
  if (registry.length + 1 + repository.length > MAX_NAME_CHARACTERS) return undefined;
  if (!REGISTRY.test(registry) || !REPOSITORY.test(repository)) return undefined;
  return { registry, repository, tag, digest };
}

/** The first part is a registry only where it can't be a part of a name on Docker Hub. */
function splitRegistry(name: string): readonly [registry: string, rest: string] {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  if (!isRegistry) return [HUB, name];
  return [first === `index.${HUB}` ? HUB : first, name.slice(slash + 1)];
}

/** The whole reference as the runtime stores it; two texts with the same are the same image. */
export function canonicalImage({ registry, repository, tag, digest }: ImageReference): string {
  const name = `${registry}/${repository}`;
  if (digest !== undefined) return `${name}${tag === undefined ? "" : `:${tag}`}@${digest}`;
  return `${name}:${tag ?? "latest"}`;
}
