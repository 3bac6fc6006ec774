# Sourced by the scripts in bin/: makes .venv and keeps it in step with setup.cfg.
#
# prepare_venv ROOT EXTRAS NAME   installs the package with EXTRAS, unless the stamp of NAME says that it is there.
# The stamp holds a checksum of what decides the installation, so an unchanged tree costs one `cksum`.

prepare_venv() {
    root=$1 extras=$2 stamp="$1/.venv/.installed-$3"
    wanted=$(cat "$root/setup.cfg" "$root/pyproject.toml" | cksum)
    if [ -x "$root/.venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    python=$(find_python) || return 1
    if [ ! -x "$root/.venv/bin/pip" ]; then
        echo "making .venv with $("$python" --version)" >&2
        make_venv "$python" "$root/.venv"
    fi
    echo "installing cortex-actors$extras" >&2
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$root$extras" >&2
    printf '%s' "$wanted" >"$stamp"
}

# The first Python of at least 3.11 on the PATH.
find_python() {
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    echo "cortex: Python 3.11 or newer is needed, and none was found" >&2
    return 1
}

# Debian ships venv as a package of its own; root may install it.
make_venv() {
    if "$1" -m venv "$2" >/dev/null 2>&1; then
        return 0
    fi
    rm -rf "$2"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing python3-venv" >&2
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y python3-venv; } >/dev/null 2>&1
    fi
    "$1" -m venv "$2"
}
