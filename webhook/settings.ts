/**
 * Every setting of the webhook: the one table that the reader, --help, the chart's test and the documentation share.
 * Defaults are those of the chart.
 */
import {
  duration,
  flag,
  integer,
  names,
  objectName,
  oneOf,
  optionalDuration,
  text,
} from "../program/setting.ts";
import { KURED, toolList } from "./tools-setting.ts";

export const SETTINGS = {
  port: integer({ flag: "port", help: "serves the API server's reviews over HTTPS" }, 9443, 1, 65_535),
  probePort: integer(
    { flag: "probe-port", help: "serves /healthz, /livez, /readyz and /metrics over plain HTTP" },
    8080,
    1,
    65_535,
  ),
  bindAddress: text(
    { flag: "bind-address", help: "address both ports listen on; :: = every address, IPv4 too" },
    "ADDRESS",
    "::",
  ),
  namespace: objectName(
    {
      flag: "namespace",
      help: "namespace of the Service and of the certificate's Secret",
      alsoFrom: "POD_NAMESPACE",
    },
    "nodelatch-system",
  ),
  serviceName: objectName(
    { flag: "service-name", help: "Service in front of the webhook; its names go into the certificate" },
    "nodelatch-webhook",
  ),
  certMode: oneOf(
    {
      flag: "cert-mode",
      help: "self: issue certificates and keep them in a Secret; files: read tls.crt, tls.key (and ca.crt) from cert-dir",
    },
    ["self", "files"],
    "self",
  ),
  certDir: text(
    { flag: "cert-dir", help: "directory of the certificate files; needed by cert-mode files" },
    "PATH",
    "",
  ),
  certSecret: objectName(
    { flag: "cert-secret", help: "Secret that keeps the certificates of cert-mode self" },
    "nodelatch-webhook-tls",
  ),
  certCaLifeMillis: duration(
    { flag: "cert-ca-life", help: "how long a CA is valid; renewed at 2/3 of it" },
    "365d",
    "1m",
    "3650d",
  ),
  certLeafLifeMillis: duration(
    { flag: "cert-leaf-life", help: "how long a serving certificate is valid; renewed at 2/3 of it" },
    "30d",
    "10s",
    "3650d",
  ),
  validatingConfiguration: objectName(
    { flag: "validating-configuration", help: "ValidatingWebhookConfiguration that gets the CA" },
    "nodelatch",
  ),
  mutatingConfiguration: objectName(
    { flag: "mutating-configuration", help: "MutatingWebhookConfiguration that gets the CA" },
    "nodelatch",
  ),
  injectCa: flag(
    { flag: "inject-ca", help: "keep the CA in both configurations; false if something else does" },
    true,
  ),
  guardMode: oneOf(
    {
      flag: "guard-mode",
      help: "what becomes of a refused request: refused, allowed with a warning, not looked at",
    },
    ["enforce", "warn", "off"],
    "enforce",
  ),
  onExpired: oneOf(
    { flag: "on-expired", help: "what becomes of a refused request once the lock has expired" },
    ["allow", "deny"],
    "allow",
  ),
  defaultTtlMillis: optionalDuration(
    { flag: "default-ttl", help: "expiry of a lock that asks for none; none = it never expires" },
    "1m",
    "3650d",
  ),
  maxTtlMillis: duration(
    { flag: "max-ttl", help: "longest expiry a lock may ask for" },
    "168h",
    "1m",
    "3650d",
  ),
  minTtlMillis: duration(
    { flag: "min-ttl", help: "shortest expiry a lock may ask for" },
    "1m",
    "1s",
    "3650d",
  ),
  exemptDeleters: names(
    {
      flag: "exempt-deleters",
      help: "users that may delete a locked node: controllers that remove machines which are gone",
    },
    [
      "system:serviceaccount:kube-system:node-controller",
      "system:serviceaccount:kube-system:cloud-controller-manager",
      "system:cloud-controller-manager",
      "system:serviceaccount:kube-system:cluster-autoscaler",
      "system:serviceaccount:karpenter:karpenter",
      "system:serviceaccount:kube-system:karpenter",
    ],
  ),
  agentUser: text(
    { flag: "agent-user", help: "user of the agent, which releases its own node's lock after the reboot" },
    "USER",
    "system:serviceaccount:nodelatch-system:nodelatch-agent",
  ),
  webhookUser: text(
    {
      flag: "webhook-user",
      help: "user of the webhook itself, which keeps refused uncordons on their nodes",
    },
    "USER",
    "system:serviceaccount:nodelatch-system:nodelatch-webhook",
  ),
  carryOutUncordons: flag(
    {
      flag: "carry-out-uncordons",
      help: "keep a refused uncordon and carry it out when the lock goes, if its sender may still write the node",
    },
    true,
  ),
  autoscalers: oneOf(
    {
      flag: "autoscalers",
      help: "what a new lock tells Cluster Autoscaler and Karpenter by annotation: to stay away, or nothing",
    },
    ["keep-away", "ignore"],
    "keep-away",
  ),
  acceptNodeIdentity: flag(
    {
      flag: "accept-node-identity",
      help: "let system:node:NAME do what NAME's agent may; for KubeEdge, where edge writes come under that name",
    },
    false,
  ),
  tools: toolList(
    { flag: "tools", help: "reboot tools whose own writes take and end locks (docs/tools.md)" },
    [KURED],
  ),
  prepullMode: oneOf(
    {
      flag: "prepull-mode",
      help: "what becomes of a refused ImagePrePullJob: refused, allowed with warnings, not looked at",
    },
    ["enforce", "warn", "off"],
    "enforce",
  ),
  prepullWarnOnly: names(
    { flag: "prepull-warn-only", help: "rules of docs/prepull.md that only warn, by name" },
    [],
  ),
  prepullControllers: names(
    {
      flag: "prepull-controllers",
      help: "users of KubeEdge's cloud side, whose updates of jobs are never judged",
    },
    ["system:serviceaccount:kubeedge:cloudcore", "system:serviceaccount:kubeedge:controller-manager"],
  ),
  prepullDefaults: flag(
    { flag: "prepull-defaults", help: "give a new ImagePrePullJob the defaults that KubeEdge documents" },
    false,
  ),
  prepullNamespace: objectName(
    { flag: "prepull-namespace", help: "where KubeEdge's cloud side runs" },
    "kubeedge",
  ),
  prepullSecretNamespaces: names(
    {
      flag: "prepull-secret-namespaces",
      help: "namespaces whose Secrets may be read, for jobs that name them",
    },
    [],
  ),
  drainMillis: duration(
    {
      flag: "drain",
      help: "after SIGTERM: how long serving goes on while endpoints and connections move away",
    },
    "15s",
    "1ms",
    "10m",
  ),
  shutdownGraceMillis: duration(
    { flag: "shutdown-grace", help: "then: how long requests in flight may take before they are cut off" },
    "12s",
    "1ms",
    "10m",
  ),
  maxInFlight: integer(
    { flag: "max-in-flight", help: "reviews being answered at once; more are sent away to come again" },
    256,
    1,
    100_000,
  ),
  requestDeadlineMillis: duration(
    { flag: "request-deadline", help: "for one review, unless the API server asks for less" },
    "10s",
    "100ms",
    "30s",
  ),
  events: oneOf(
    { flag: "events", help: "write an Event UncordonRefused on the Node for each refused uncordon" },
    ["on", "off"],
    "on",
  ),
  eventsPerMinute: integer(
    { flag: "events-per-minute", help: "at most so many Events; what is beyond is counted and dropped" },
    60,
    1,
    100_000,
  ),
  kubeconfig: text(
    {
      flag: "kubeconfig",
      help: "file with access to the cluster; without it the pod's ServiceAccount is used",
    },
    "PATH",
    "",
  ),
  logLevel: oneOf(
    { flag: "log-level", help: "least level that is logged" },
    ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    "info",
  ),
} as const;
