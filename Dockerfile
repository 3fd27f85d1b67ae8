# The image of the sidecar: the daemon, stagectl, and what imports run. See "Container image" in docs/operations.md.
#
#   docker build .                                                 builds the programs, too
#   eng/publish published && docker build --target published .     takes programs that are built already
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG BUILD_IMAGE=docker.io/library/debian:12-slim
ARG BASE_IMAGE=docker.io/library/debian:12-slim

FROM ${SDK_IMAGE} AS sdk

# Native programs ask for the C library that they were linked with or a newer one. The SDK's image has a newer one than the
# image that they run in, so they are built in that one's release of Debian.
FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ca-certificates gcc libc6-dev libssl3 libstdc++6
COPY --from=sdk /usr/share/dotnet /usr/share/dotnet
ENV PATH=/usr/share/dotnet:$PATH DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY . .
RUN eng/publish /published

FROM ${BASE_IMAGE} AS runtime
# Those of glance-api in the same pod: both read and remove what the other one writes. glance-operator's are 42415.
ARG GLANCE_UID=42415
ARG GLANCE_GID=42415
# qemu-utils has qemu-img and qemu-nbd; prlimit, setpriv, unshare and flock are in util-linux. gzip and zip are unpacked by the
# daemon itself. librbd1 writes to Ceph. The programs load libssl for TLS and digests.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    bzip2 ca-certificates lbzip2 librbd1 libssl3 lhasa lz4 qemu-utils util-linux xz-utils zstd \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
    /var/log/apt /var/log/*.log /usr/share/doc /usr/share/man \
 && groupadd --gid "${GLANCE_GID}" glance \
 && useradd --uid "${GLANCE_UID}" --gid glance --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin \
    glance \
 && install -d -o glance -g glance -m 0770 /run/glance-staging-sidecar \
    /var/lib/glance /var/lib/glance/os_glance_staging_store /var/lib/glance-staging-sidecar

# Where the daemon and stagectl look when nothing is configured: the root is read-only, these two are mounted.
ENV XDG_RUNTIME_DIR=/run XDG_STATE_HOME=/var/lib
# A diagnostics port of the runtime would need a writable /tmp.
ENV DOTNET_EnableDiagnostics=0
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Glance staging sidecar" \
      org.opencontainers.image.description="Owns a glance-api pod's staging directory: uploads and import plugins" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER ${GLANCE_UID}:${GLANCE_GID}
# The peers' port. The others are on loopback unless they are configured otherwise.
EXPOSE 9394
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/stagectl", "health", "liveness"]
ENTRYPOINT ["/usr/local/bin/glance-staging-sidecar"]

FROM runtime AS published
COPY --chmod=0755 published/glance-staging-sidecar published/stagectl /usr/local/bin/
# Built beside a newer C library, they would not start here: the build ends and says so.
RUN ["/usr/local/bin/stagectl", "--version"]

FROM runtime
COPY --from=build --chmod=0755 /published/glance-staging-sidecar /published/stagectl /usr/local/bin/
