# The agent and the tools it drives, and nothing else: no shell, no package manager, no npm.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=… --build-arg REVISION=… .

# --- The agent as one executable: its Node is the one that package-lock.json pins; this image only brings npm along.
FROM docker.io/library/node:26.10.0-trixie-slim AS executable
RUN apt-get update && apt-get install --yes --no-install-recommends binutils libatomic1
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
RUN sh scripts/package-executable.sh

# --- nft, both flavours of iptables, conntrack, and the libraries they and Node are linked against.
FROM docker.io/library/debian:trixie-slim AS system
COPY scripts/package-image-root.sh /
RUN apt-get update && sh /package-image-root.sh /image \
  nftables libnftables1 libedit2 libbsd0 libmd0 libtinfo6 libgmp10 libjansson4 \
  iptables libxtables12 libip4tc2 libip6tc2 libnetfilter-conntrack3 libnfnetlink0 libnftnl11 libmnl0 netbase conntrack \
  libc6 libgcc-s1 libstdc++6 libatomic1
# A missing library or extension ends the build here.
RUN for tool in nft iptables-nft ip6tables-nft-restore iptables-legacy ip6tables-legacy-restore conntrack; do \
    chroot /image "$tool" --version || exit 1; \
  done

FROM scratch
ARG VERSION=0.0.0-unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ip-masq-agent" \
  org.opencontainers.image.description="Decides which connections leaving a Kubernetes node keep their Pod address and which are masqueraded" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
COPY --from=system /image /
COPY --from=executable /src/build/third-party-licenses /usr/share/doc/ip-masq-agent/third-party-licenses
COPY --from=executable /src/build/ip-masq-agent /usr/bin/ip-masq-agent
ENV PATH=/usr/sbin:/usr/bin
# Root of the container, with no more than the NET_ADMIN and NET_RAW that the Pod gives it.
USER 0:0
ENTRYPOINT ["/usr/bin/ip-masq-agent"]
