# The published image: one image, every program of Nodelatch as one bundled file.
#
#   docker build --tag REGISTRY/nodelatch:0.1.0 .
#
# Tags can be moved by whoever owns them. To pin what you build from, pass the digests that you have checked:
#
#   docker build --build-arg BUILD_IMAGE=node:24-slim@sha256:... \
#                --build-arg RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot@sha256:... .
#
# For a test cluster without a Docker daemon or a registry there is `npm run image`.
ARG BUILD_IMAGE=node:24-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

# The bundle is the same for every architecture, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /src
# Dependencies first: this layer is built again only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run bundle
# The chart starts the agent by the path that Node has in the image of `npm run image`.
RUN mkdir -p /links/usr/bin && ln -s /nodejs/bin/node /links/usr/bin/node

# The agent's tools, of the architecture that the image is for, with those libraries that the image does not have. All
# below /usr: /lib is a link where Debian has merged the two, and a directory is not copied over a link.
FROM ${BUILD_IMAGE} AS tools
RUN mkdir /tools && cp --parents /usr/sbin/chroot /usr/bin/flock /usr/bin/nsenter /tools \
 && ldd /usr/bin/nsenter | awk '$3 ~ /libselinux|libpcre2/ { sub("^/lib", "/usr/lib", $3); print $3 }' | xargs -r cp --parents --dereference -t /tools

FROM ${RUNTIME_IMAGE}
COPY --from=build /src/dist/*.mjs /src/dist/LICENCES.txt /app/
COPY --from=build /src/LICENSE /app/LICENSE
COPY --from=build /links/ /
# chroot: to run the node's own systemd-inhibit. flock: to lock a CNI network. nsenter: to look into network namespaces.
COPY --from=tools /tools/ /
# The same user, folder and program as in the image of `npm run image`, so that one chart runs both.
USER 65532:65532
WORKDIR /app
ENV NODE_ENV=production
ENTRYPOINT ["/nodejs/bin/node", "/app/webhook.mjs"]
LABEL org.opencontainers.image.title="nodelatch" \
      org.opencontainers.image.licenses="Apache-2.0"
