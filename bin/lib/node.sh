# Sourced by bin/test, after debian.sh: Node.js, for the tests with the npm package `openai`.
#
# ensure_node   sees to it that node and npm are there; root installs them on Debian. Where that cannot be done
#               it says so, and those tests fail: they are never left out, since npm clients are what many have.

ensure_node() {
    for tool in node:nodejs npm:npm; do
        has_command "${tool%%:*}" && continue
        if [ "$(id -u)" = 0 ] && has_command apt-get; then
            echo "installing ${tool##*:}" >&2
            install_quietly "${tool##*:}" || true
        fi
    done
    if has_command node && has_command npm; then
        return 0
    fi
    echo "WILL FAIL: the tests that need Node.js and npm. To install them: sudo apt-get install nodejs npm" >&2
}
