/**
 * An API server in memory, over real HTTPS: for the demo and for scenarios that need no cluster. What it does, it
 * does as kube-apiserver 1.35 does; what it does not do it refuses (README.md beside this file has the list).
 */
import { createServer } from "node:https";
import { issueAuthority } from "../../certs/authority.ts";
import { issueLeaf } from "../../certs/leaf.ts";
import { authorizer } from "./access/authorizer.ts";
import type { AllowTable } from "./access/authorizer.ts";
import { clientAuthority } from "./access/client-certificate.ts";
import { kubeconfigText } from "./access/kubeconfig.ts";
import type { Credential } from "./access/kubeconfig.ts";
import { MASTERS, serviceAccountGroups } from "./access/user.ts";
import type { UserInfo } from "./access/user.ts";
import { admission } from "./admission/admission.ts";
import { admissionMetrics } from "./admission/admission-metrics.ts";
import { webhookClient } from "./admission/webhook-client.ts";
import type { ServiceResolver } from "./admission/webhook-client.ts";
import { handler } from "./http/handler.ts";
import type { RequestLog } from "./http/handler.ts";
import { objectAt } from "./objects/json.ts";
import type { JsonObject } from "./objects/json.ts";
import { apiVersionOf, namespaces } from "./objects/resource.ts";
import { create } from "./rest/create.ts";
import { typed } from "./rest/typed-object.ts";
import { memoryStore } from "./storage/store.ts";

/** A user with a bearer token (like a pod's) or with a client certificate (like an admin's or a kubelet's). */
export interface ApiServerUser {
  readonly username: string;
  /** A ServiceAccount's own groups and `system:authenticated` are added. */
  readonly groups: readonly string[];
  readonly uid?: string;
  /** Tokens only, e.g. `{"authentication.kubernetes.io/node-name": ["n1"]}` for a pod on n1. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** Absent: a client certificate is issued. */
  readonly token?: string;
}

export interface ApiServerOptions {
  /** Defaults to 0, a free port. Listens on 127.0.0.1 only. */
  readonly port?: number;
  readonly users: readonly ApiServerUser[];
  /** What users outside `system:masters` may do. Defaults to nothing. */
  readonly allow?: AllowTable;
  /** Created at the start beside default, kube-system, kube-public and kube-node-lease. */
  readonly namespaces?: readonly string[];
  /** Where webhooks registered by Service are. Defaults to nowhere. */
  readonly resolveService?: ServiceResolver;
  readonly log?: (entry: RequestLog) => void;
  readonly now?: () => Date;
}

export interface ApiServer {
  /** https://127.0.0.1:PORT */
  readonly url: string;
  readonly caPem: string;
  /** @throws RangeError for a user the server was not started with. */
  kubeconfig(username: string): string;
  /** Calls so far by webhook name, answered or not; also in /metrics. */
  webhookCalls(): ReadonlyMap<string, number>;
  /** Ends open watches and connections. */
  close(): Promise<void>;
}

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
const CERTIFICATE_LIFE_MILLIS = 24 * 3_600_000;
const KEEP_ALIVE_MILLIS = 120_000;

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const now = options.now ?? (() => new Date());
  const monotonicMillis = (): number => performance.now();
  const { users, credentials, clientCaPem } = prepareUsers(options.users, now());
  const store = memoryStore();
  const metrics = admissionMetrics();
  const client = webhookClient(options.resolveService ?? (() => undefined));
  const chain = admission({
    configurations: (kind) => store.list(kind, ""),
    namespaceLabels: (namespace) => {
      const found = store.get(namespaces, "", namespace);
      return found === undefined ? undefined : objectAt(found, "metadata", "labels");
    },
    decode: (resource, raw) => typed(resource, raw).object,
    client,
    metrics,
    monotonicMillis,
  });
  const api = { store, admission: chain, authorizer: authorizer(options.allow ?? (() => false)), now };
  for (const name of [...NAMESPACES, ...(options.namespaces ?? [])]) {
    await create(api, namespaceRequest(name));
  }

  const authority = issueAuthority(now().getTime(), CERTIFICATE_LIFE_MILLIS);
  const names = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
  const leaf = issueLeaf(authority, names, now().getTime(), CERTIFICATE_LIFE_MILLIS);
  const stop = new AbortController();
  const handle = handler({
    api,
    tokens: users,
    registry: metrics.registry,
    log: options.log ?? (() => undefined),
    monotonicMillis,
    stopped: stop.signal,
  });
  const server = createServer(
    {
      cert: leaf.certPem,
      key: leaf.keyPem,
      ...(clientCaPem === undefined ? {} : { ca: clientCaPem, requestCert: true, rejectUnauthorized: false }),
    },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        // Only a broken connection gets here: everything else was answered as a Status.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    },
  );
  server.keepAliveTimeout = KEEP_ALIVE_MILLIS;
  const port = await listen(server, options.port ?? 0);
  const url = `https://127.0.0.1:${port}`;
  return {
    url,
    caPem: authority.certPem,
    kubeconfig: (username) => {
      const credential = credentials.get(username);
      if (credential === undefined) {
        throw new RangeError(
          `user ${JSON.stringify(username)}: expected one of ${[...credentials.keys()].join(", ")}`,
        );
      }
      return kubeconfigText(url, authority.certPem, username, credential);
    },
    webhookCalls: () => metrics.callsByName(),
    close: async () => {
      stop.abort();
      client.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Tokens to users, and what each user's kubeconfig carries. */
function prepareUsers(
  given: readonly ApiServerUser[],
  now: Date,
): {
  users: ReadonlyMap<string, UserInfo>;
  credentials: ReadonlyMap<string, Credential>;
  /** Set if anybody has a certificate. */
  clientCaPem: string | undefined;
} {
  const users = new Map<string, UserInfo>();
  const credentials = new Map<string, Credential>();
  const authority = given.some((user) => user.token === undefined) ? clientAuthority(now) : undefined;
  for (const { username, groups, uid, extra, token } of given) {
    if (credentials.has(username)) throw new RangeError(`users: ${JSON.stringify(username)} is given twice`);
    if (token === undefined && authority !== undefined) {
      if (uid !== undefined || extra !== undefined) {
        throw new RangeError(
          `user ${JSON.stringify(username)}: uid and extra need a token, a certificate has no place`,
        );
      }
      credentials.set(username, { kind: "certificate", ...authority.issue(username, groups) });
    } else if (token !== undefined) {
      const all = [...new Set([...groups, ...serviceAccountGroups(username)])];
      users.set(token, { username, uid: uid ?? "", groups: all, extra: extra ?? {} });
      credentials.set(username, { kind: "token", token });
    }
  }
  return { users, credentials, clientCaPem: authority?.certPem };
}

function namespaceRequest(name: string): Parameters<typeof create>[1] {
  const body: JsonObject = { apiVersion: apiVersionOf(namespaces), kind: "Namespace", metadata: { name } };
  return {
    verb: "create",
    resource: namespaces,
    subresource: "",
    namespace: "",
    name: "",
    user: { username: "system:apiserver", uid: "", groups: [MASTERS], extra: {} },
    query: new URLSearchParams(),
    body: { ...body, status: { phase: "Active" } },
    contentType: "application/json",
    notes: { warnings: [], audit: {} },
  };
}
