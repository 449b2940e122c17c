import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The Kubernetes release under test; programs/kubernetes/go.mod pins the same. */
export const kubernetesVersion = "v1.35.4";
const [kubernetesMajor = "", kubernetesMinor = ""] = kubernetesVersion.slice(1).split(".");

export type ProgramName =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubelet"
  | "kube-proxy"
  | "kubectl"
  | "helm";

/** How programs of one Go module are built. The module's go.mod and go.sum lie in `programs/<folder>`. */
export interface Recipe {
  readonly folder: string;
  /** Program name -> the file name `go build` gives it. */
  readonly programs: ReadonlyMap<ProgramName, string>;
  readonly ldflags: readonly string[];
  readonly howLong: string;
}

// Without a version the programs call themselves v0.0.0 and kubectl complains about skew.
const kubernetesStamps = [
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  `-X k8s.io/component-base/version.gitMajor=${kubernetesMajor}`,
  `-X k8s.io/component-base/version.gitMinor=${kubernetesMinor}`,
  `-X k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
];

// Helm renders charts offline for this Kubernetes release; unstamped it would take them for 1.20's.
const helmStamps = [
  "-X helm.sh/helm/v3/internal/version.version=v3.22.0",
  `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=${kubernetesMajor}`,
  `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${kubernetesMinor}`,
  `-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=${kubernetesMajor}`,
  `-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=${kubernetesMinor}`,
];

export const recipes: readonly Recipe[] = [
  {
    folder: "kubernetes",
    programs: named(
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kubelet",
      "kube-proxy",
      "kubectl",
    ),
    ldflags: ["-s", "-w", ...kubernetesStamps],
    howLong: "about 5 minutes on 2 cores",
  },
  // Go names the program after the package path's last element before the major version.
  {
    folder: "etcd",
    programs: new Map([["etcd", "server"]]),
    ldflags: ["-s", "-w"],
    howLong: "about 40 seconds",
  },
  {
    folder: "helm",
    programs: named("helm"),
    ldflags: ["-s", "-w", ...helmStamps],
    howLong: "about a minute",
  },
];

/** A key which changes with everything that goes into the programs, so that a cache entry never goes stale. */
export async function recipeKey(recipe: Recipe, modulesFolder: string, goVersion: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"])
    hash.update(await readFile(join(modulesFolder, recipe.folder, file)));
  hash.update(
    JSON.stringify([recipe.ldflags, [...recipe.programs], goVersion, process.platform, process.arch]),
  );
  return hash.digest("hex").slice(0, 16);
}

function named(...names: readonly ProgramName[]): ReadonlyMap<ProgramName, string> {
  return new Map(names.map((name) => [name, name]));
}
