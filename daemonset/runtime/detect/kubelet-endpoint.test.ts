import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseCandidates } from "./candidates.ts";
import { knownSockets } from "./endpoint.ts";
import { resolveHostPath } from "./host-path.ts";
import { defaultKubeletFiles, findKubeletEndpoint } from "./kubelet-endpoint.ts";

let root: string;
const flags = "/var/lib/kubelet/kubeadm-flags.env";
const config = "/var/lib/kubelet/config.yaml";
const edgecore = "/etc/kubeedge/config/edgecore.yaml";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-host-"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), content);
}

const edgecoreOf = (endpoint: string) =>
  `modules:\n  edged:\n    tailoredKubeletConfig:\n      containerRuntimeEndpoint: ${endpoint}\n`;

describe("kubelet's endpoint", () => {
  it("is unknown where there are no files", async () => {
    expect(await findKubeletEndpoint(root, defaultKubeletFiles)).toEqual({ found: [], complaints: [] });
  });

  it("is taken from the flags before the configuration", async () => {
    await write(flags, "--container-runtime-endpoint=unix:///run/flag.sock");
    await write(config, "containerRuntimeEndpoint: unix:///run/config.sock\n");
    const { found } = await findKubeletEndpoint(root, defaultKubeletFiles);
    expect(found).toEqual([{ hostPath: "/run/flag.sock", file: flags }]);
  });

  it("is taken from edgecore.yaml too, and a contradiction shows", async () => {
    await write(edgecore, edgecoreOf("unix:///run/edge.sock"));
    expect((await findKubeletEndpoint(root, defaultKubeletFiles)).found).toEqual([
      { hostPath: "/run/edge.sock", file: edgecore },
    ]);
    await write(config, "containerRuntimeEndpoint: unix:///run/config.sock\n");
    expect((await findKubeletEndpoint(root, defaultKubeletFiles)).found.map((one) => one.hostPath)).toEqual([
      "/run/config.sock",
      "/run/edge.sock",
    ]);
    await write(config, "containerRuntimeEndpoint: unix:///run/edge.sock\n");
    expect((await findKubeletEndpoint(root, defaultKubeletFiles)).found).toEqual([
      { hostPath: "/run/edge.sock", file: config },
    ]);
  });

  it("files of no use are complaints, not failures", async () => {
    await write(config, "containerRuntimeEndpoint: tcp://1.2.3.4\n");
    await mkdir(join(root, flags), { recursive: true });
    await write(edgecore, "");
    await truncate(join(root, edgecore), 2 * 1024 * 1024);
    expect(await findKubeletEndpoint(root, defaultKubeletFiles)).toEqual({
      found: [],
      complaints: [
        `${flags}: not a regular file`,
        `${config}: runtime endpoint "tcp://1.2.3.4": expected unix:///PATH or an absolute path`,
        `${edgecore}: larger than 1048576 bytes`,
      ],
    });
  });
});

describe("a path of the host", () => {
  it.each([
    ["an absolute link stays under the root", "/var/run/x.sock", "run/x.sock"],
    ["a relative link is followed from where it is", "/var/rel/x.sock", "run/x.sock"],
    ["what is missing keeps its name", "/nowhere/x.sock", "nowhere/x.sock"],
    ["nothing leads above the root", "/../../etc/x", "etc/x"],
  ])("%s", async (_name, path, expected) => {
    await mkdir(join(root, "run"));
    await mkdir(join(root, "var"));
    await symlink("/run", join(root, "var/run"));
    await symlink("../run", join(root, "var/rel"));
    expect(await resolveHostPath(root, path)).toBe(join(root, expected));
    expect(await resolveHostPath("/", path)).toBe(path);
  });

  it("a ring of links ends", async () => {
    await symlink("/b", join(root, "a"));
    await symlink("/a", join(root, "b"));
    await expect(resolveHostPath(root, "/a")).rejects.toThrow("resolve /a: more than 40 links");
  });
});

describe("candidates", () => {
  const finding = (...found: readonly string[]) => ({
    found: found.map((hostPath) => ({ hostPath, file: config })),
    complaints: [],
  });

  it("are the settings alone where there are any, marked by what kubelet's files say", () => {
    expect(chooseCandidates(["/run/a", "/run/b"], finding("/var/run/b"))).toEqual([
      { hostPath: "/run/a", source: "setting", kubelets: "other", file: undefined },
      { hostPath: "/run/b", source: "setting", kubelets: "configured", file: config },
    ]);
    expect(chooseCandidates(["/run/a"], finding())[0]?.kubelets).toBe("unknown");
  });

  it("are kubelet's alone where it is known", () => {
    expect(chooseCandidates([], finding("/run/b"))).toEqual([
      { hostPath: "/run/b", source: "kubelet", kubelets: "configured", file: config },
    ]);
  });

  it("are of unknown use where kubelet's files contradict each other", () => {
    const uses = chooseCandidates([], finding("/run/a", "/run/b")).map((candidate) => candidate.kubelets);
    expect(uses).toEqual(["unknown", "unknown"]);
  });

  it("are the known sockets, in order, where nothing is known", () => {
    const candidates = chooseCandidates([], finding());
    expect(candidates.map((candidate) => candidate.hostPath)).toEqual(knownSockets);
    expect(new Set(candidates.map(({ source, kubelets }) => `${source} ${kubelets}`))).toEqual(
      new Set(["known unknown"]),
    );
  });

  it("name one socket once, by whichever of its paths", () => {
    expect(chooseCandidates(["/var/run/a", "/run/a"], finding())).toHaveLength(1);
  });
});
