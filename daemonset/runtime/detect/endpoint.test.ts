import { describe, expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";
import {
  endpointInEdgecoreConfig,
  endpointInKubeletConfig,
  endpointInKubeletFlags,
} from "./kubelet-files.ts";

const at = (hostPath: string) => ({ kind: "socket", hostPath });

describe("an endpoint", () => {
  it.each([
    ["unix:///run/x.sock", "/run/x.sock"],
    ["unix:/run/x.sock", "/run/x.sock"],
    ["/run/x.sock", "/run/x.sock"],
    [" unix:///run/x.sock\n", "/run/x.sock"],
    [`/${"a".repeat(106)}`, `/${"a".repeat(106)}`],
  ])("%s", (text, hostPath) => {
    expect(parseEndpoint(text)).toEqual(at(hostPath));
  });

  it.each([
    [
      "tcp://127.0.0.1:2375",
      'runtime endpoint "tcp://127.0.0.1:2375": expected unix:///PATH or an absolute path',
    ],
    ["unix://run/x.sock", 'runtime endpoint "unix://run/x.sock": expected unix:///PATH or an absolute path'],
    ["npipe:////./pipe/x", "expected unix:///PATH"],
    ["", "expected unix:///PATH"],
    [`/${"a".repeat(107)}`, "longer than the 107 bytes of a socket's path"],
  ])("refuses %s", (text, words) => {
    const parsed = parseEndpoint(text);
    expect(parsed.kind === "invalid" ? parsed.message : parsed.kind).toContain(words);
  });
});

describe("a file of kubelet's", () => {
  it.each([
    ["YAML", "kind: KubeletConfiguration\ncontainerRuntimeEndpoint: unix:///run/x.sock\n", at("/run/x.sock")],
    ["JSON", '{"containerRuntimeEndpoint":"unix:///run/x.sock"}', at("/run/x.sock")],
    ["one without it", "kind: KubeletConfiguration\n", { kind: "none" }],
    ["one with an empty one", 'containerRuntimeEndpoint: ""\n', { kind: "none" }],
    ["an empty file", "", { kind: "none" }],
    ["a list", "- a\n", { kind: "none" }],
    [
      "a number",
      "containerRuntimeEndpoint: 5\n",
      { kind: "invalid", message: "containerRuntimeEndpoint is no text" },
    ],
    ["dockershim", "containerRuntimeEndpoint: unix:///var/run/dockershim.sock\n", at("/run/docker.sock")],
  ])("configuration: %s", (_name, text, expected) => {
    expect(endpointInKubeletConfig(text)).toEqual(expected);
  });

  it("configuration that is no YAML is invalid", () => {
    expect(endpointInKubeletConfig("a: [")).toMatchObject({ kind: "invalid" });
  });

  it.each([
    [
      "kubeadm's",
      'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/x.sock --v=2"',
      at("/run/x.sock"),
    ],
    ["with a space", "--container-runtime-endpoint unix:///run/x.sock", at("/run/x.sock")],
    ["twice", "--container-runtime-endpoint=/a --container-runtime-endpoint=/b", at("/b")],
    ["without it", 'KUBELET_KUBEADM_ARGS="--v=2"', { kind: "none" }],
  ])("flags %s", (_name, text, expected) => {
    expect(endpointInKubeletFlags(text)).toEqual(expected);
  });

  it.each([
    [
      "today's",
      "modules:\n  edged:\n    tailoredKubeletConfig:\n      containerRuntimeEndpoint: unix:///run/x.sock\n",
      at("/run/x.sock"),
    ],
    [
      "an older one's",
      "modules:\n  edged:\n    remoteRuntimeEndpoint: unix:///run/x.sock\n",
      at("/run/x.sock"),
    ],
    ["one without edged", "modules: {}\n", { kind: "none" }],
  ])("edgecore.yaml, %s", (_name, text, expected) => {
    expect(endpointInEdgecoreConfig(text)).toEqual(expected);
  });
});
