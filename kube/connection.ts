/** One API server over client-node: every request goes through here. */
import { IsomorphicFetchHttpLibrary } from "@kubernetes/client-node";
import { PooledRequest, type PoolingKubeConfig } from "./pool.ts";
import { makeRequester, type RequesterParts } from "./requester.ts";
import type { TokenFile } from "./token-file.ts";
import { makeWatch, type WatchingConnection } from "./watch.ts";

export interface ConnectionParts {
  readonly config: PoolingKubeConfig;
  /** Set if the credentials are a ServiceAccount token. */
  readonly tokenFile?: TokenFile;
  readonly wallMillis: () => number;
}

export function makeConnection({ config, tokenFile, wallMillis }: ConnectionParts): WatchingConnection {
  const server = config.getCurrentCluster()?.server ?? "";
  const context = config.getContextObject(config.getCurrentContext());
  const http = new IsomorphicFetchHttpLibrary();
  const parts: RequesterParts = {
    async send(call, signal) {
      const request = new PooledRequest(server.replace(/\/+$/, "") + call.path, call.method, config);
      for (const [name, value] of Object.entries(call.query ?? {})) request.setQueryParam(name, value);
      request.setHeaderParam("Accept", "application/json");
      request.setHeaderParam("User-Agent", "nodelatch");
      if (call.body !== undefined) {
        request.setHeaderParam("Content-Type", call.contentType ?? "application/json");
        request.setBody(JSON.stringify(call.body));
      }
      await config.applySecurityAuthentication(request);
      request.setSignal(signal);
      const response = await http.send(request).toPromise();
      return { status: response.httpStatusCode, headers: response.headers, body: response.body.stream() };
    },
    renew() {
      tokenFile?.expire();
      return tokenFile !== undefined;
    },
    wallMillis,
  };
  return {
    ...makeRequester(parts),
    watch: makeWatch(parts),
    server,
    namespace: context?.namespace,
    close: () => config.close(),
  };
}
