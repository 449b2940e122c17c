/** The rules about `images`. */
import { invalid, required, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { canonicalImage, parseImageReference, type ImageReference } from "./image-reference.ts";
import { readTexts, type Fields } from "./shape.ts";

const PATH = `${TEMPLATE_PATH}.images`;

/** Registries that serve most images to anyone; what is not here is only a reason for a warning. */
export const PUBLIC_REGISTRIES: ReadonlySet<string> = new Set([
  "docker.io",
  "gcr.io",
  "ghcr.io",
  "k8s.gcr.io",
  "mcr.microsoft.com",
  "nvcr.io",
  "public.ecr.aws",
  "quay.io",
  "registry.access.redhat.com",
  "registry.gitlab.com",
  "registry.k8s.io",
]);

export interface Images {
  /** Those that are references, in the order given. */
  readonly references: readonly ImageReference[];
  readonly findings: readonly Finding[];
}

export function checkImages(template: Fields, hasSecret: boolean): Images {
  const { texts, findings: typeFindings } = readTexts(template["images"], PATH);
  const findings = [...typeFindings];
  const references: ImageReference[] = [];
  if (texts.length === 0 && typeFindings.length === 0) {
    findings.push(required("images-missing", PATH, "at least one image"));
  }
  const seen = new Set<string>();
  const foreign = new Set<string>();
  for (const { at, text } of texts) {
    const path = `${PATH}[${at}]`;
    if (text === "") {
      findings.push(invalid("image-empty", path, text, "must name an image"));
      continue;
    }
    const reference = parseImageReference(text);
    if (reference === undefined) {
      findings.push(
        invalid("image-malformed", path, text, "must be an image reference: [registry/]name[:tag][@digest]"),
      );
      continue;
    }
    references.push(reference);
    findings.push(...adviseImage(reference, path, text, seen, foreign, hasSecret));
  }
  return { references, findings };
}

/** @param seen and `foreign` remember images and registries that had their say. */
function adviseImage(
  reference: ImageReference,
  path: string,
  text: string,
  seen: Set<string>,
  foreign: Set<string>,
  hasSecret: boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  const canonical = canonicalImage(reference);
  if (seen.has(canonical)) {
    return [{ ...invalid("image-duplicate", path, text, "listed twice"), problem: "Duplicate value" }];
  }
  seen.add(canonical);
  if (reference.digest === undefined && (reference.tag ?? "latest") === "latest") {
    const remedy = "a node that has one keeps it, however old; give a fixed tag or digest";
    findings.push(invalid("image-tag-moves", path, text, remedy));
  }
  const { registry } = reference;
  if (!hasSecret && !PUBLIC_REGISTRIES.has(registry) && !foreign.has(registry)) {
    foreign.add(registry);
    findings.push(
      invalid("registry-without-secret", path, text, "private registry? there are no imageSecrets"),
    );
  }
  return findings;
}
