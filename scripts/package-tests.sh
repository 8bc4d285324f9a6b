#!/bin/sh
# Runs the tests of what users install: manifests, executable, image, Debian package. Says which could not run on this machine, for
# want of root, of namespaces, or of packages that can't be installed; only those that fail make it fail.
set -eu
cd "$(dirname "$0")/.."

not_run=
for test in test:deploy test:package test:image test:systemd; do
  code=0
  npm run --silent "$test" || code=$?
  case $code in
    0) ;;
    77) not_run="$not_run $test" ;;
    *) exit "$code" ;;
  esac
done
if [ -n "$not_run" ]; then echo "NOT RUN on this machine, see above:$not_run" >&2; fi
