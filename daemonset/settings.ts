/**
 * Every setting of the agent: the one table that the reader, --help, the chart's test and the documentation share.
 * Defaults are those of the chart.
 */
import { duration, flag, integer, names, objectName, oneOf, text, type Setting } from "../program/setting.ts";
import { DEFAULT_CONF_DIRS, DEFAULT_DATA_DIRS } from "./cni/settings.ts";
import { parseEndpoint } from "./runtime/detect/endpoint.ts";

const PASS_MODES = ["on", "report", "off"] as const;

/** Sockets of container runtimes, separated by commas; the empty text is none. */
function endpoints(named: { readonly flag: string; readonly help: string }): Setting<readonly string[]> {
  return {
    ...named,
    shape: "ENDPOINT,ENDPOINT...",
    fallback: [],
    shownFallback: "",
    read(value) {
      const paths = new Set<string>();
      for (const item of value.trim() === "" ? [] : value.split(",")) {
        const parsed = parseEndpoint(item);
        if (parsed.kind === "invalid") return { ok: false, problem: parsed.message };
        paths.add(parsed.hostPath);
      }
      return { ok: true, value: [...paths] };
    },
  };
}

/** Absolute paths of the node, separated by commas. */
function paths(
  named: { readonly flag: string; readonly help: string },
  fallback: readonly string[],
): Setting<readonly string[]> {
  return {
    ...named,
    shape: "PATH,PATH...",
    fallback,
    shownFallback: fallback.join(","),
    read(value) {
      const items = value.split(",").map((item) => item.trim());
      const wrong = items.find((item) => !item.startsWith("/"));
      return wrong === undefined
        ? { ok: true, value: [...new Set(items)] }
        : { ok: false, problem: `expected absolute paths separated by commas, got ${JSON.stringify(wrong)}` };
    },
  };
}

export const SETTINGS = {
  nodeName: objectName(
    { flag: "node-name", help: "name of this node; needed for Events", alsoFrom: "NODE_NAME" },
    "",
  ),
  podUid: text(
    {
      flag: "pod-uid",
      help: "UID of the agent's own pod, whose containers it leaves alone; nothing is removed without it",
      alsoFrom: "POD_UID",
    },
    "UID",
    "",
  ),
  byHand: flag(
    { flag: "by-hand", help: "the agent runs in no pod, so that a missing pod-uid is no mistake" },
    false,
  ),
  hostRoot: text({ flag: "host-root", help: "where the node's file system is seen" }, "PATH", "/"),
  runtimeEndpoints: endpoints({
    flag: "runtime-endpoint",
    help: "sockets of the container runtimes, as the node calls them; none = ask kubelet's files, then try known ones",
  }),
  bootPass: oneOf(
    { flag: "boot-pass", help: "passes after a boot: remove, only report, or do not look" },
    PASS_MODES,
    "on",
  ),
  steadyPass: oneOf(
    { flag: "steady-pass", help: "all later passes: remove, only report, or do not look" },
    PASS_MODES,
    "on",
  ),
  shutdownPass: oneOf(
    { flag: "shutdown-pass", help: "the pass before a shutdown; off also holds no shutdown lock" },
    PASS_MODES,
    "on",
  ),
  ruleCreatedInDeadSandbox: flag(
    {
      flag: "rule-created-in-dead-sandbox",
      help: "remove containers that were created but never started, whose sandbox has ended",
    },
    true,
  ),
  ruleCreatedInReadySandbox: flag(
    {
      flag: "rule-created-in-ready-sandbox",
      help: "remove containers that were created but not started for longer than the grace time",
    },
    true,
  ),
  ruleUnknownInDeadSandbox: flag(
    {
      flag: "rule-unknown-in-dead-sandbox",
      help: "remove containers whose status the runtime has lost and whose sandbox has ended",
    },
    true,
  ),
  ruleClockInverted: flag(
    {
      flag: "rule-clock-inverted",
      help: "remove ended containers that are dated later than a higher attempt, which block kubelet",
    },
    true,
  ),
  bootGraceMillis: duration(
    { flag: "boot-grace", help: "after a boot: time between two looks where one proves nothing" },
    "10s",
    "1s",
    "1h",
  ),
  steadyGraceMillis: duration(
    { flag: "steady-grace", help: "later: time between two looks where one proves nothing" },
    "10s",
    "1s",
    "1h",
  ),
  shutdownGraceMillis: duration(
    { flag: "shutdown-grace", help: "before a shutdown: time between two looks where one proves nothing" },
    "2s",
    "1s",
    "1h",
  ),
  steadyIntervalMillis: duration(
    { flag: "steady-interval", help: "between two passes once the node has settled, give or take a tenth" },
    "10m",
    "1m",
    "1d",
  ),
  passBudgetMillis: duration(
    { flag: "pass-budget", help: "longest time of one pass; what is left then waits for the next one" },
    "2m",
    "5s",
    "1h",
  ),
  shutdownBudgetMillis: duration(
    {
      flag: "shutdown-budget",
      help: "longest time of the pass before a shutdown; never more than logind grants less a second",
    },
    "10s",
    "500ms",
    "10m",
  ),
  cniLeases: oneOf(
    { flag: "cni-leases", help: "stale leases of pod addresses: remove, only report, or neither" },
    PASS_MODES,
    "on",
  ),
  cniCaches: oneOf(
    {
      flag: "cni-caches",
      help: "CNI caches and scratch files of dead sandboxes: remove, only report, or neither",
    },
    PASS_MODES,
    "on",
  ),
  cniSandboxRepair: oneOf(
    {
      flag: "cni-sandbox-repair",
      help: "ended sandboxes with a successor that still hold an address: stop again, only report, or neither",
    },
    PASS_MODES,
    "on",
  ),
  cniEmptyLeases: flag(
    {
      flag: "cni-empty-leases",
      help: "leases that a power cut has emptied or cut short are stale leases too",
    },
    true,
  ),
  cniGraceMillis: duration(
    { flag: "cni-grace", help: "how long a lease that no list ever showed must have been nobody's" },
    "10m",
    "10m",
    "1d",
  ),
  cniNetworks: names(
    { flag: "cni-networks", help: "networks that are Kubernetes' although nothing on the node says so" },
    [],
  ),
  cniDataDirs: paths(
    { flag: "cni-data-dirs", help: "where host-local keeps networks, as the node calls it" },
    DEFAULT_DATA_DIRS,
  ),
  cniConfDirs: paths(
    { flag: "cni-conf-dirs", help: "where runtimes look for CNI configuration, as the node calls it" },
    DEFAULT_CONF_DIRS,
  ),
  cniQuarantine: text(
    { flag: "cni-quarantine", help: "where removed files are kept, as the node calls it" },
    "PATH",
    "/var/lib/nodelatch/quarantine",
  ),
  cniQuarantineKeepMillis: duration(
    { flag: "cni-quarantine-keep", help: "how long they are kept, while the node is up" },
    "7d",
    "1h",
    "90d",
  ),
  cniQuarantineMebibytes: integer(
    { flag: "cni-quarantine-mebibytes", help: "how much is kept, in MiB; the oldest goes first" },
    64,
    1,
    10_240,
  ),
  runDir: text(
    { flag: "run-dir", help: "directory that a reboot empties: which boot is done with, the last report" },
    "PATH",
    "/run/nodelatch",
  ),
  stateDir: text(
    { flag: "state-dir", help: "directory that a reboot keeps: the journal, and what was seen of leases" },
    "PATH",
    "/var/lib/nodelatch",
  ),
  lockCommand: text(
    {
      flag: "lock-command",
      help: "program that holds logind's lock, and its first arguments, separated by spaces",
    },
    "COMMAND",
    "systemd-inhibit",
  ),
  busAddress: text(
    { flag: "bus-address", help: "the system bus, as D-Bus writes addresses" },
    "ADDRESS",
    "unix:path=/run/dbus/system_bus_socket",
  ),
  probePort: integer(
    { flag: "probe-port", help: "serves /healthz, /livez, /readyz and /metrics over plain HTTP" },
    9478,
    1,
    65_535,
  ),
  bindAddress: text(
    { flag: "bind-address", help: "address that port listens on; :: = every address, IPv4 too" },
    "ADDRESS",
    "::",
  ),
  api: oneOf(
    {
      flag: "api",
      help: "write Events about this node and its boot report to the API server; off asks it nothing at all",
    },
    ["on", "off"],
    "on",
  ),
  kubeconfig: text(
    {
      flag: "kubeconfig",
      help: "file with access to the cluster; without it the pod's ServiceAccount is used",
    },
    "PATH",
    "",
  ),
  output: oneOf(
    { flag: "output", help: "how commands print: text, or one JSON object for each pass" },
    ["text", "json"],
    "text",
  ),
  logLevel: oneOf(
    { flag: "log-level", help: "least level that is logged" },
    ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    "info",
  ),
} as const;
