#!/bin/sh
# A check for the custom plugins of node-problem-detector: are the masquerade rules of this node what they should be?
# It asks nobody but the agent on the node: no API server, so no token. Runs where the detector does, on the node itself:
# the package's ip-masq-agent where it is installed, else that of the Pod, by the container runtime (crictl).
# Arguments are passed on to `ip-masq-agent status`. Exit codes, as the detector has them: 0 well, 1 not, 2 can't be said.

unknown() {
  echo "$1"
  exit 2
}

if command -v ip-masq-agent >/dev/null; then
  report=$(ip-masq-agent status "$@" 2>&1)
  code=$?
else
  command -v crictl >/dev/null || unknown 'neither ip-masq-agent nor crictl is on this node'
  container=$(crictl ps --quiet --latest --state Running --name '^ip-masq-agent$' 2>&1) || unknown "crictl: $container"
  [ -n "$container" ] || unknown 'no ip-masq-agent runs on this node'
  report=$(crictl exec --sync "$container" ip-masq-agent status "$@" 2>&1)
  code=$?
  # Some versions of crictl have an exit code of their own, and tell the program's.
  case $report in
    *'exit code 4'*) code=4 ;;
  esac
fi

# The verdict and the first difference; the detector cuts what is too long.
case $code in
  0) exit 0 ;;
  4)
    printf '%s\n' "$report" | sed -n '1p; /^rules /p'
    exit 1
    ;;
  *) unknown "$report" ;;
esac
