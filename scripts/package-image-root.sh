#!/bin/sh
# Unpacks Debian packages into an empty root, without what only people and package managers read. For the Dockerfile,
# which runs it in the Debian release that the packages come from: package-image-root.sh ROOT PACKAGE...
set -eu
root=$1
shift

# A merged /usr, as Debian's base-files makes it: the loader of every program is named /lib*/ld-linux-*.so.
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/sbin" "$root/etc/config" "$root/run" "$root/var/lib/dpkg/status.d"
ln -s usr/bin "$root/bin"
ln -s usr/lib "$root/lib"
if [ -d /usr/lib64 ]; then mkdir "$root/usr/lib64" && ln -s usr/lib64 "$root/lib64"; fi
ln -s usr/sbin "$root/sbin"
echo 'root:x:0:0:root:/:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"

# By these, scanners know whose advisories apply: that of the release, and the exact point release.
cp /usr/lib/os-release "$root/usr/lib/os-release"
ln -s ../usr/lib/os-release "$root/etc/os-release"
cp /etc/debian_version "$root/etc/debian_version"

downloads=$(mktemp -d)
cd "$downloads"
apt-get download "$@"
for package in *.deb; do
  dpkg-deb --extract "$package" "$root"
  # Where scanners look for what an image without a package manager holds.
  dpkg-deb --field "$package" | sed '1a Status: install ok installed' >"$root/var/lib/dpkg/status.d/${package%%_*}"
done
rm -r "$downloads"

# Libraries of these packages that nothing here is linked against.
for library in libmvec libnsl libtic libthread_db libc_malloc_debug libnss_compat libnss_hesiod libpcprofile libmemusage; do
  rm -f "$root"/usr/lib/*/$library.so*
done
# Of the documentation, the copyrights have to stay.
find "$root/usr/share/doc" \( -type f -o -type l \) ! -name copyright -delete
rm -rf "$root/usr/share/man" "$root/usr/share/locale" "$root/usr/share/lintian" "$root/usr/share/bug" \
  "$root/usr/share/doc-base" "$root/usr/share/gcc" "$root/usr/share/gdb" "$root"/usr/lib/*/gconv "$root"/usr/lib/*/audit
find "$root" -type d -empty ! -path "$root/run" ! -path "$root/etc/config" -delete
