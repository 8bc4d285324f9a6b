#!/bin/sh
# Makes build/ip-masq-agent_VERSION_ARCHITECTURE.deb for the processor of this machine: executable, unit, config, man page.
# Prints its name. DPKG_DEB_COMPRESSOR_TYPE and DPKG_DEB_COMPRESSOR_LEVEL (dpkg-deb(1)) trade size for time.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

sh scripts/package-executable.sh
version=$(node --print "JSON.parse(fs.readFileSync('package.json', 'utf8')).version")
architecture=$(dpkg --print-architecture)
maintainer=${DEB_MAINTAINER:-'ip-masq-agent <root@localhost>'}

tree=$(mktemp -d build/deb.XXXXXX)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
put() { install -D --mode="$1" "$2" "$tree/$3"; }

put 755 build/ip-masq-agent usr/bin/ip-masq-agent
put 644 deploy/systemd/ip-masq-agent.service usr/lib/systemd/system/ip-masq-agent.service
put 644 deploy/systemd/ip-masq-agent.tmpfiles usr/lib/tmpfiles.d/ip-masq-agent.conf
put 644 deploy/systemd/config.yaml etc/ip-masq-agent/config.yaml
put 644 deploy/systemd/ip-masq-agent.default etc/default/ip-masq-agent
put 644 deploy/man/ip-masq-agent.8 usr/share/man/man8/ip-masq-agent.8
put 755 deploy/debian/options-of usr/share/ip-masq-agent/options-of
put 644 deploy/debian/copyright usr/share/doc/ip-masq-agent/copyright
put 644 build/ip-masq-agent.cdx.json usr/share/sbom/ip-masq-agent.cdx.json
put 644 build/third-party-licenses usr/share/doc/ip-masq-agent/third-party-licenses
# Where the shells look for them.
for file in bash:bash-completion/completions/ip-masq-agent zsh:zsh/vendor-completions/_ip-masq-agent; do
  build/ip-masq-agent completion "${file%%:*}" >build/completion
  put 644 build/completion "usr/share/${file#*:}"
  rm build/completion
done
gzip -9n "$tree"/usr/share/man/man8/* "$tree"/usr/share/doc/ip-masq-agent/third-party-licenses

for script in postinst prerm postrm; do put 755 "deploy/debian/$script" "DEBIAN/$script"; done
(cd "$tree" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
size=$(du --summarize --apparent-size --block-size=1K --exclude=DEBIAN "$tree" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@INSTALLED_SIZE@/$size/" \
  -e "s/@MAINTAINER@/$maintainer/" deploy/debian/control.in >"$tree/DEBIAN/control"

package=build/ip-masq-agent_${version}_$architecture.deb
dpkg-deb --build --root-owner-group "$tree" "$package" >&2
echo "$package"
