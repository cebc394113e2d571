#!/bin/sh
# Makes .venv and installs vigentd into it: ./setup.sh [EXTRA…]   (extras of pyproject.toml: models, publish, cluster, test)
#
# Called by make. Installs the few system packages that are needed where it may (root on Debian or
# Ubuntu) and names the command where it may not. pip's own configuration is honoured.
#   PYTHON       the Python to use; without it, the first of 3.11 and 3.12 that is found
#   TORCH_INDEX  a further package index to look for torch in; when it is not set, that of torch's builds for
#                CPUs on a machine without an NVIDIA GPU, and none on one that has one
set -eu
cd "$(dirname "$0")"
venv=.venv

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $1"; shift; for hint in "$@"; do say "hint: $hint"; done; exit 1; }

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or 3.12 was not found" "sudo apt-get install python3 python3-venv"
}

# What is missing, as Debian packages. OpenCV links libGL and glib; without a font with Chinese letters
# Chinese subtitles are refused; ensurepip is how venv gets its pip.
missing_packages() {
    has_library libGL.so.1 || echo libgl1
    has_library libglib-2.0.so.0 || echo libglib2.0-0
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts -iname 'NotoSansCJK*' 2>/dev/null | head -n 1)" ] || echo fonts-noto-cjk
    [ -x "$venv/bin/pip" ] || "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

has_library() { "$python" -c "import ctypes; ctypes.CDLL('$1')" 2>/dev/null; }

install_packages() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing system packages: $*"
        export DEBIAN_FRONTEND=noninteractive
        if apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null; then
            return
        fi
        say "warning: apt-get could not install them"
    fi
    say "warning: system packages are missing: $*"
    say "hint: sudo apt-get install -y $*"
}

make_venv() {
    if [ -x "$venv/bin/pip" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        # Debian splits ensurepip off; a pip of the system can put a pip into a folder that has none.
        "$python" -m venv --without-pip "$venv"
        "$python" -m pip --python "$venv/bin/python" install -q pip
    else
        die "$python cannot make a virtual environment: its module ensurepip is missing" \
            "sudo apt-get install -y python3-venv"
    fi
}

# A build of torch with CUDA is gigabytes, and nothing gained where there is no GPU. Not asked for when pip's
# own configuration leads to a build for CPUs already.
torch_index() {
    if [ "${TORCH_INDEX+set}" ]; then
        echo "$TORCH_INDEX"
    elif ! has_gpu && ! "$venv/bin/pip" index versions torch 2>/dev/null | grep -qF "$(torch_pin)+cpu"; then
        echo https://download.pytorch.org/whl/cpu
    fi
}

has_gpu() { [ -d /proc/driver/nvidia ] || command -v nvidia-smi >/dev/null; }

torch_pin() { sed -n 's/.*"torch==\([0-9.]*\)".*/\1/p' pyproject.toml; }

python=$(find_python)
packages=$(missing_packages | tr '\n' ' ')
# shellcheck disable=SC2086  # words are wanted
[ -z "$packages" ] || install_packages $packages
make_venv

extras=$(echo "$*" | tr ' ' ',')
case $extras in *models*) index=$(torch_index) ;; *) index= ;; esac
say "Installing vigentd${extras:+ with $extras} into $venv (the first time takes a few minutes)"
"$venv/bin/python" -m pip install -q --disable-pip-version-check \
    ${index:+--extra-index-url "$index"} -e ".${extras:+[$extras]}"
