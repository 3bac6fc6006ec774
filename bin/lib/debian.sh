# Sourced by bin/test: tools that tests need and that come from Debian, not from PyPI.
#
# ensure_debian PACKAGE COMMAND   sees to it that COMMAND is there. Root installs PACKAGE; where that cannot be
# done, it says which tests will not be run, and adds PACKAGE to CORTEX_TESTS_WITHOUT (see tests/conftest.py).

ensure_debian() {
    has_command "$2" && return 0
    if [ "$(id -u)" = 0 ] && has_command apt-get; then
        echo "installing $1" >&2
        install_quietly "$1" && has_command "$2" && return 0
    fi
    echo "NOT RUN: the tests that need $1. To run them too: sudo apt-get install $1" >&2
    CORTEX_TESTS_WITHOUT=${CORTEX_TESTS_WITHOUT:+$CORTEX_TESTS_WITHOUT,}$1
    export CORTEX_TESTS_WITHOUT
}

# Debian keeps servers where only root's PATH looks.
has_command() (
    PATH=$PATH:/usr/sbin:/sbin
    command -v "$1" >/dev/null 2>&1
)

# Debian starts a service as soon as it is installed, unless a policy forbids it; nobody asked for one here.
install_quietly() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y "$1"; } >/dev/null
)
